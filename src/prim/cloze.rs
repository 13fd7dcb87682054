//! Hides elements of a sequence of ids, to be guessed from the others (Taylor 1953; Sun et al. 2019, section 3.6).

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::{Elem, Space, Type};

use super::philox::Stream;
use super::{rule, tensor};

/// `cloze(ids) {last, mask, over, rate, stream}`: the ids with hidden ones replaced by the row `mask`, and which are
/// hidden. Each element of `over` is hidden with probability `rate`, but at least one of a sequence is, and at least one is
/// not where it has two or more. With probability `last`, a sequence hides its last element only, as `hide_last` does.
///
/// The address of a draw is the seed, the stream, the step, the sample, and the place in it.
#[derive(Debug)]
pub struct Cloze;

/// `hide_last(ids) {mask, over}`: the same for the last element of each sequence alone, which is what evaluation asks for.
#[derive(Debug)]
pub struct HideLast;

impl Op for Cloze {
    fn name(&self) -> &'static str {
        "cloze"
    }

    fn attributes(&self) -> &'static [Declared] {
        &[
            ("last", AttrKind::Float),
            ("mask", AttrKind::Int),
            ("over", AttrKind::Axis),
            ("rate", AttrKind::Float),
            ("stream", AttrKind::Text),
        ]
    }

    /// (C1) One operand of ids, one a row. (C2) It has `over`, and no axis under it. (C3) `mask` is a row of a table. (C4)
    /// `rate` and `last` are probabilities, `rate` not 0.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let (rate, last) = (site.attrs.float("rate"), site.attrs.float("last"));
        if !(rate > 0.0 && rate <= 1.0 && (0.0..=1.0).contains(&last)) {
            return Err(rule::bad_attribute(self.name(), format!("a rate of {rate} and {last} for the last alone")));
        }
        hidden(self.name(), site)
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let space = &call.types[0].space;
        let (elements, sequences) = (draws(call, space, ""), draws(call, &rule::left(call, space), ".last"));
        let (rate, last) = (call.attrs.float("rate"), call.attrs.float("last"));
        hide(call, |sequence, rows| {
            if sequences[sequence] < last {
                return only_last(rows);
            }
            let mut chosen: Vec<bool> = rows.iter().map(|&row| elements[row] < rate).collect();
            let by_draw = |a: &usize, b: &usize| elements[rows[*a]].total_cmp(&elements[rows[*b]]);
            if !chosen.contains(&true)
                && let Some(least) = (0..rows.len()).min_by(by_draw)
            {
                chosen[least] = true;
            }
            if rows.len() > 1
                && !chosen.contains(&false)
                && let Some(most) = (0..rows.len()).max_by(by_draw)
            {
                chosen[most] = false;
            }
            chosen
        })
    }

    /// Ids have no derivative.
    fn vjp(&self, _: &mut Vjp) -> Result<Cotangents, Fault> {
        Ok(vec![None])
    }

    fn draws(&self) -> bool {
        true
    }
}

impl Op for HideLast {
    fn name(&self) -> &'static str {
        "hide_last"
    }

    fn attributes(&self) -> &'static [Declared] {
        &[("mask", AttrKind::Int), ("over", AttrKind::Axis)]
    }

    /// (C1) to (C3) of `cloze`.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        hidden(self.name(), site)
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        hide(call, |_, rows| only_last(rows))
    }

    /// Ids have no derivative.
    fn vjp(&self, _: &mut Vjp) -> Result<Cotangents, Fault> {
        Ok(vec![None])
    }
}

fn hidden(name: &str, site: &Site) -> Result<Vec<Type>, Fault> {
    let [ids] = rule::operands(name, site)?;
    if !matches!(ids.elem, Elem::Id(_)) || ids.width != 1 {
        return Err(Fault::new("E0302", format!("`{name}` takes ids, found {}", site.show(ids))).of(0));
    }
    if u32::try_from(site.attrs.int("mask")).is_err() {
        return Err(rule::bad_attribute(name, "`mask` is no row of a table"));
    }
    rule::space_without(name, site, ids)?;
    Ok(vec![ids.clone(), Type::bool(ids.space.clone())])
}

fn only_last(rows: &[usize]) -> Vec<bool> {
    (0..rows.len()).map(|at| at + 1 == rows.len()).collect()
}

/// Hides what `choose` says of the rows of each sequence.
fn hide(call: &Call, choose: impl Fn(usize, &[usize]) -> Vec<bool>) -> candle_core::Result<Vec<Tensor>> {
    let space = &call.types[0].space;
    let left = rule::left(call, space);
    let mut sequences: Vec<Vec<usize>> = vec![Vec::new(); call.rows.count(&left)];
    for (row, &sequence) in call.rows.map(space, &left).iter().enumerate() {
        sequences[sequence as usize].push(row);
    }
    let mut ids = tensor::to_places(&call.operands[0])?;
    let mut chosen = vec![0f32; ids.len()];
    for (sequence, rows) in sequences.iter().enumerate() {
        for (&row, hidden) in rows.iter().zip(choose(sequence, rows)) {
            if hidden {
                ids[row] = call.attrs.int("mask") as u32;
                chosen[row] = 1.0;
            }
        }
    }
    Ok(vec![Tensor::from_vec(ids, call.shape(0), call.device)?, Tensor::from_vec(chosen, call.shape(1), call.device)?])
}

/// A number in `0..1` for every row of a space, from a stream of its own.
fn draws(call: &Call, space: &Space, stream: &str) -> Vec<f64> {
    let stream = Stream::new(call.noise.seed, &format!("{}{stream}", call.attrs.text("stream")));
    let mut numbers = vec![0.0; call.rows.count(space)];
    let starts = call.rows.sample_starts(space);
    let samples = call.rows.samples().iter().copied().chain([0]);
    for (ends, sample) in starts.windows(2).zip(samples) {
        for (at, number) in numbers.iter_mut().take(ends[1] as usize).skip(ends[0] as usize).enumerate() {
            let address = [at as u32, call.noise.step as u32, sample as u32, (sample >> 32) as u32];
            let [word, ..] = stream.words(address);
            *number = f64::from(word) / 4_294_967_296.0;
        }
    }
    numbers
}

#[cfg(test)]
mod tests {
    use crate::prim::check::{Batch, graph, refused, value};

    fn lines(rate: f64, last: f64) -> String {
        format!(
            "axis h: ragged of B
            input %i: id<movie>[B, h] = feature(i) along h
            %tokens: id<movie>[B, h], %chosen: bool[B, h] = cloze(%i) {{last: {last}, mask: 1, over: h, rate: {rate}, stream: \"c\"}}
            axis c: sub of h where %chosen
            %hidden: id<movie>[B, c] = select(%i) {{as: c, of: h}}"
        )
    }

    /// Two hundred sequences, of lengths 0 to 4.
    fn batch() -> Batch {
        let mut offsets = vec![0];
        for sample in 0..200u32 {
            offsets.push(offsets[sample as usize] + sample % 5);
        }
        let count = offsets[200] as usize;
        Batch::of(200).axis("h", &offsets).with("i", &vec![7.0; count])
    }

    #[test]
    fn every_sequence_hides_one_and_shows_one_where_it_can() {
        for rate in [1e-9, 0.2, 0.6, 1.0] {
            let chosen = value(&graph(&lines(rate, 0.0)), &batch(), "chosen");
            let tokens = value(&graph(&lines(rate, 0.0)), &batch(), "tokens");
            for ends in batch().offsets["h"].windows(2) {
                let own = &chosen[ends[0] as usize..ends[1] as usize];
                let hidden = own.iter().sum::<f64>() as usize;
                assert!(own.is_empty() || hidden >= 1, "{rate} {own:?}");
                assert!(own.len() < 2 || hidden < own.len(), "{rate} {own:?}");
            }
            assert!(tokens.iter().zip(&chosen).all(|(&token, &chosen)| token == if chosen == 1.0 { 1.0 } else { 7.0 }));
        }
    }

    #[test]
    fn every_place_is_hidden_by_its_own_draw() {
        let chosen = value(&graph(&lines(0.5, 0.0)), &batch(), "chosen");
        for place in 0..4 {
            let starts = batch().offsets["h"].clone();
            let own = (4..200).step_by(5).map(|sample| chosen[starts[sample] as usize + place]);
            let hidden = own.sum::<f64>() as usize;
            assert!((8..=32).contains(&hidden), "place {place}: {hidden} of 40");
        }
    }

    #[test]
    fn a_draw_depends_on_the_sample_and_not_on_its_place_in_the_batch() {
        let whole = value(&graph(&lines(0.5, 0.0)), &batch(), "chosen");
        let alone = Batch::of(5).axis("h", &[0, 0, 1, 3, 6, 10]).with("i", &[7.0; 10]);
        assert_eq!(value(&graph(&lines(0.5, 0.0)), &alone, "chosen"), whole[..10]);
    }

    #[test]
    fn only_the_last_may_be_hidden() {
        let chosen = value(&graph(&lines(0.5, 1.0)), &batch(), "chosen");
        let last = lines(0.5, 1.0).replace(
            "cloze(%i) {last: 1, mask: 1, over: h, rate: 0.5, stream: \"c\"}",
            "hide_last(%i) {mask: 1, over: h}",
        );
        assert_eq!(value(&graph(&last), &batch(), "chosen"), chosen);
        assert_eq!(chosen[..6], [1.0, 0.0, 1.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn what_is_no_probability_is_refused() {
        assert_eq!(refused(&lines(0.0, 0.0)), "E0311");
        assert_eq!(refused(&lines(0.5, 1.5)), "E0311");
        assert_eq!(refused(&lines(0.5, 0.0).replace("over: h", "over: B")), "E0306");
        assert_eq!(refused(&lines(0.5, 0.0).replace("mask: 1", "mask: -1")), "E0311");
    }
}
