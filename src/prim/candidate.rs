//! Candidates: the rows of a table as what could come next. Where the target ranks among them, and which are best.

use std::collections::BTreeSet;

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::axis::{AxisId, AxisKind};
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::{Elem, Type};

use super::linear::product;
use super::{rule, tensor};

/// `is_candidate(ids) {from}`: whether an id is none of the rows before `from`, which stand for unknown ids.
#[derive(Debug)]
pub struct IsCandidate;

/// `rank(hidden, table, target, seen, bias) {from}`, the last two optional: 1 for a target whose score `hidden . row + bias`
/// is above that of every other candidate. Candidates are the rows from `from` on without those in `seen`, the target
/// always among them; one with the score of the target counts as better. The rank of an unknown target is infinite.
#[derive(Debug)]
pub struct Rank;

/// `best(hidden, table, seen, bias) {as, from}`, the last two optional: the places of the candidates with the highest scores
/// along the static axis `as`, and these scores; of equal ones the first. Where there are fewer candidates than `as` is
/// long, the place is 0 and the score minus infinity.
#[derive(Debug)]
pub struct Best;

const FROM: &[Declared] = &[("from", AttrKind::Int)];

impl Op for IsCandidate {
    fn name(&self) -> &'static str {
        "is_candidate"
    }

    fn attributes(&self) -> &'static [Declared] {
        FROM
    }

    /// (C1) One operand of ids.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [ids] = rule::operands(self.name(), site)?;
        match ids.elem {
            Elem::Id(_) => Ok(vec![Type::bool(ids.space.clone())]),
            _ => Err(Fault::new("E0302", format!("`is_candidate` takes ids, found {}", site.show(ids))).of(0)),
        }
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let from = call.attrs.int("from");
        let ids = tensor::to_places(&call.operands[0])?;
        let known: Vec<f32> = ids.iter().map(|&id| if i64::from(id) >= from { 1.0 } else { 0.0 }).collect();
        Ok(vec![Tensor::from_vec(known, call.shape(0), call.device)?])
    }

    fn vjp(&self, _: &mut Vjp) -> Result<Cotangents, Fault> {
        Ok(vec![None])
    }
}

impl Op for Rank {
    fn name(&self) -> &'static str {
        "rank"
    }

    fn attributes(&self) -> &'static [Declared] {
        FROM
    }

    /// (C1) `hidden` and `table` are numbers of one width; `table` has the rows of one axis, which `hidden` lacks. (C2)
    /// `target` holds places of that axis, one for each row of `hidden`. (C3) `seen` holds places of that axis, and has
    /// every axis of `hidden`. (C4) `bias` is one number for each row of the table.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let parts = Parts::of(self.name(), site, 3)?;
        let (hidden, target) = (site.operands[0], site.operands[2]);
        if *target != Type::index(parts.axis, hidden.space.clone()) {
            let title = format!("`rank` needs a target for each row, found {}", site.show(target));
            return Err(Fault::new("E0302", title).of(2));
        }
        Ok(vec![Type::f32(hidden.space.clone(), 1)])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let scored = Scored::of(call, 3)?;
        let targets = tensor::to_places(&call.operands[2])?;
        let mut ranks = Vec::with_capacity(targets.len());
        for (row, &target) in targets.iter().enumerate() {
            let target = target as usize;
            if target < scored.from || target >= scored.rows {
                ranks.push(f32::INFINITY);
                continue;
            }
            let scores = scored.row(row)?;
            let own = scores[target - scored.from];
            let better = scores.iter().enumerate().filter(|(at, score)| {
                let place = at + scored.from;
                place != target && !scored.is_seen(row, place) && (**score >= own || score.is_nan())
            });
            ranks.push(if own.is_nan() { f32::INFINITY } else { 1.0 + better.count() as f32 });
        }
        let ranks = Tensor::from_vec(ranks, call.shape(0), call.device)?;
        Ok(vec![tensor::own(ranks.to_dtype(call.operands[0].dtype())?)?])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        Ok(vec![None; at.operands.len()])
    }
}

impl Op for Best {
    fn name(&self) -> &'static str {
        "best"
    }

    fn attributes(&self) -> &'static [Declared] {
        &[("as", AttrKind::Axis), ("from", AttrKind::Int)]
    }

    /// (C1), (C3), (C4) of `rank`, without a target. (C2) `as` is static, and not one of `hidden`.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let parts = Parts::of(self.name(), site, 2)?;
        let hidden = site.operands[0];
        match site.attrs.axis("as") {
            Some(as_) if matches!(site.axes.get(as_).kind, AxisKind::Static { .. }) && !hidden.space.has(as_) => {
                let space = hidden.space.unite(&site.axes.close(&[as_]));
                Ok(vec![Type::index(parts.axis, space.clone()), Type::f32(space, 1)])
            }
            _ => Err(rule::bad_attribute(self.name(), "`as` is no static axis, or one of the value")),
        }
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let Some(as_) = call.attrs.axis("as") else { candle_core::bail!("best: no axis") };
        let scored = Scored::of(call, 2)?;
        let (from, to) = (&call.types[0].space, &call.results[0].space);
        let len = call.rows.axes().fixed(as_).unwrap_or(0) as usize;
        let mut best: Vec<Vec<(f32, u32)>> = Vec::new();
        for row in 0..call.rows.count(from) {
            let scores = scored.row(row)?;
            let places = scores.iter().enumerate().map(|(at, &score)| (score, (at + scored.from) as u32));
            let mut list: Vec<(f32, u32)> =
                places.filter(|(score, place)| !score.is_nan() && !scored.is_seen(row, *place as usize)).collect();
            let order = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
            if list.len() > len && len > 0 {
                list.select_nth_unstable_by(len - 1, order);
                list.truncate(len);
            }
            list.sort_unstable_by(order);
            best.push(list);
        }
        let (map, rank) = (call.rows.map(to, from), call.rows.element(to, as_));
        let found = map.iter().zip(rank.iter()).map(|(&row, &rank)| best[row as usize].get(rank as usize).copied());
        let (scores, places): (Vec<f32>, Vec<u32>) = found.map(|found| found.unwrap_or((f32::NEG_INFINITY, 0))).unzip();
        let scores = Tensor::from_vec(scores, call.shape(1), call.device)?.to_dtype(call.operands[0].dtype())?;
        Ok(vec![Tensor::from_vec(places, call.shape(0), call.device)?, scores])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        Ok(vec![None; at.operands.len()])
    }
}

/// What operands `hidden`, `table` and those from number `first` on are.
struct Parts {
    axis: AxisId,
}

impl Parts {
    fn of(name: &str, site: &Site, first: usize) -> Result<Self, Fault> {
        if site.operands.len() < first || site.operands.len() > first + 2 {
            let title = format!("`{name}` takes {first} to {} operands, found {}", first + 2, site.operands.len());
            return Err(Fault::new("E0310", title));
        }
        rule::numbers(name, site, 0)?;
        rule::numbers(name, site, 1)?;
        let (hidden, table) = (site.operands[0], site.operands[1]);
        let [axis] = table.space.axes() else {
            let title = format!("`{name}` needs the rows of one axis, found {}", site.show(table));
            return Err(Fault::new("E0302", title).of(1));
        };
        if hidden.width != table.width || hidden.height != 1 || table.height != 1 || hidden.space.has(*axis) {
            let title = format!("`{name}` of {} over {}", site.show(hidden), site.show(table));
            return Err(Fault::new("E0301", title).of(0));
        }
        for (at, ty) in site.operands.iter().enumerate().skip(first) {
            let is_seen = ty.elem == Elem::Index(*axis) && ty.space.covers(&hidden.space);
            let is_bias = ty.elem == Elem::F32 && ty.space == table.space && ty.width == 1 && ty.height == 1;
            if !is_seen && !is_bias {
                return Err(Fault::new("E0302", format!("`{name}` with {}", site.show(ty))).of(at));
            }
        }
        if site.attrs.int("from") < 0 {
            return Err(rule::bad_attribute(name, "`from` is below 0"));
        }
        Ok(Self { axis: *axis })
    }
}

/// The scores of every candidate for each row of `hidden`.
struct Scored {
    scores: Tensor,
    seen: Vec<BTreeSet<u32>>,
    from: usize,
    rows: usize,
}

impl Scored {
    fn of(call: &Call, first: usize) -> candle_core::Result<Self> {
        let (hidden, table) = (&call.operands[0], &call.operands[1]);
        let rows = table.dim(0)?;
        let from = (call.attrs.int("from") as usize).min(rows);
        let candidates = table.narrow(0, from, rows - from)?;
        let mut scores = product(hidden, &candidates.t()?.contiguous()?)?;
        let space = &call.types[0].space;
        let mut seen = vec![BTreeSet::new(); call.rows.count(space)];
        for (ty, operand) in call.types.iter().zip(call.operands).skip(first) {
            if ty.elem == Elem::F32 {
                let bias = operand.narrow(0, from, rows - from)?.reshape((1, rows - from))?;
                scores = scores.broadcast_add(&bias)?;
                continue;
            }
            let map = call.rows.map(&ty.space, space);
            for (place, &row) in tensor::to_places(operand)?.into_iter().zip(map.iter()) {
                seen[row as usize].insert(place);
            }
        }
        Ok(Self { scores: scores.to_dtype(candle_core::DType::F32)?, seen, from, rows })
    }

    fn row(&self, row: usize) -> candle_core::Result<Vec<f32>> {
        self.scores.get(row)?.to_vec1()
    }

    fn is_seen(&self, row: usize, place: usize) -> bool {
        self.seen[row].contains(&(place as u32))
    }
}

#[cfg(test)]
mod tests {
    use crate::prim::check::{Batch, graph, refused, value};

    const RANK: &str = "
        axis |movie|: rows of movie
        axis seen: ragged of B
        axis best: static(2)
        table @movie: f32[|movie|, 1] = normal(0.01)
        table @bias: f32[|movie|, 1] = 0
        input %x: f32[B, 1]
        input %next: id<movie>[B]
        input %old: id<movie>[B, seen] = feature(old) along seen
        %known: bool[B] = is_candidate(%next) {from: 1}
        %place: index<|movie|>[B] = locate(%next) {to: |movie|}
        %places: index<|movie|>[B, seen] = locate(%old) {to: |movie|}
        %all: f32[B, 1] = rank(%x, @movie, %place) {from: 1}
        %rest: f32[B, 1] = rank(%x, @movie, %place, %places, @bias) {from: 1}
        %top.0: index<|movie|>[B, best], %top.1: f32[B, best, 1] = best(%x, @movie, %places, @bias) {as: best, from: 1}";

    fn batch() -> Batch {
        // Scores of rows 1 to 4 are 3, 5, 5, 1 times x.
        let batch = Batch::of(3).axis("seen", &[0, 2, 2, 3]).rows("|movie|", &[0, 1, 2, 3, 4]);
        let batch = batch.with("x", &[1.0, 1.0, -1.0]).with("next", &[1.0, 2.0, 0.0]).with("old", &[2.0, 1.0, 4.0]);
        batch.with("@movie", &[9.0, 3.0, 5.0, 5.0, 1.0]).with("@bias", &[0.0; 5])
    }

    #[test]
    fn ties_count_against_the_target_and_what_was_seen_does_not_count() {
        // Seen of the first sample are row 2 and the target itself, which stays.
        assert_eq!(value(&graph(RANK), &batch(), "all"), [3.0, 2.0, f64::INFINITY]);
        assert_eq!(value(&graph(RANK), &batch(), "rest"), [2.0, 2.0, f64::INFINITY]);
        assert_eq!(value(&graph(RANK), &batch(), "known"), [1.0, 1.0, 0.0]);
    }

    #[test]
    fn the_best_are_in_order_and_none_was_seen() {
        assert_eq!(value(&graph(RANK), &batch(), "top.0"), [3.0, 4.0, 2.0, 3.0, 1.0, 2.0]);
        assert_eq!(value(&graph(RANK), &batch(), "top.1"), [5.0, 1.0, 5.0, 5.0, -3.0, -5.0]);
    }

    #[test]
    fn a_score_that_is_no_number_is_never_good() {
        let broken = batch().with("@movie", &[9.0, f64::NAN, 5.0, 5.0, 1.0]);
        assert_eq!(value(&graph(RANK), &broken, "all"), [f64::INFINITY, 3.0, f64::INFINITY]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(refused(&RANK.replace("rank(%x, @movie, %place) ", "rank(%x, @movie, %x) ")), "E0302");
        assert_eq!(refused(&RANK.replace("rank(%x, @movie, %place) ", "rank(@movie, @movie, %place) ")), "E0301");
        assert_eq!(refused(&RANK.replace("%places, @bias) {from", "%x) {from")), "E0302");
    }
}
