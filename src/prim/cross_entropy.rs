//! Cross-entropy over the rows of a table: which item comes next, out of all of them.

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::{Elem, Type};

use super::linear::product;
use super::{make, rule, tensor};

/// `cross_entropy(hidden, table, target, bias) {from}`, the bias optional: with the score `hidden . row + bias` of each row
/// of the table, the logarithm of the sum of `e^score` less the score of the target. Rows before `from` (the unknown id, the
/// mask) are no candidates, and a target among them gives 0.
///
/// The second result is that logarithm by itself. It is there for the derivative, which would compute every score once more
/// to find it, and has none of its own.
#[derive(Debug)]
pub struct CrossEntropy;

/// `cross_entropy_grad(g, log_sum, hidden, table, target, bias) {from}`: the derivatives by `hidden`, `table` and, if there,
/// `bias`.
#[derive(Debug)]
pub struct CrossEntropyGrad;

const ATTRIBUTES: &[Declared] = &[("from", AttrKind::Int)];

impl Op for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }

    fn attributes(&self) -> &'static [Declared] {
        ATTRIBUTES
    }

    /// (C1) Three operands or four. (C2) `hidden` and `table` are numbers of one width; `table` has the rows of one axis,
    /// which `hidden` lacks. (C3) `target` holds places of that axis, one for each row of `hidden`. (C4) `bias` is one number
    /// for each row of the table.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let hidden = operands(self.name(), site, 0)?;
        let number = Type::f32(hidden.space.clone(), 1);
        Ok(vec![number.clone(), number])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let Scored { shifted, largest, sums, targets } = scored(call, 0)?;
        let (rows, _) = call.shape(0);
        let at_target = shifted.gather(&tensor::places(&targets.places, &shifted)?.reshape((rows, 1))?, 1);
        let at_target = if shifted.dim(1)? == 0 { sums.zeros_like()? } else { at_target? };
        let losses = (sums.log()? - at_target)?;
        let losses = tensor::choose(&targets.counts, &losses, &losses.zeros_like()?, (rows, 1))?;
        Ok(vec![losses, (sums.log()? + largest)?])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let mut results = vec![None; at.operands.len()];
        if at.cotangents.get(1).is_some_and(Option::is_some) {
            return Err(Fault::new("E0399", "the second result of `cross_entropy` has no derivative"));
        }
        let Some(g) = at.cotangent() else { return Ok(results) };
        let found = make::cross_entropy_grad(at.to, [g, at.results[1]], at.operands, at.attrs.int("from"))?;
        for (i, derivative) in [0, 1, 3].into_iter().zip(found) {
            results[i] = Some(derivative);
        }
        Ok(results)
    }
}

impl Op for CrossEntropyGrad {
    fn name(&self) -> &'static str {
        "cross_entropy_grad"
    }

    fn attributes(&self) -> &'static [Declared] {
        ATTRIBUTES
    }

    /// (C1) The operands of `cross_entropy` behind two numbers for each row of `hidden`.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let hidden = operands(self.name(), site, 2)?;
        for i in 0..2 {
            rule::numbers(self.name(), site, i)?;
            let own = site.operands[i];
            if own.space != hidden.space || own.width != 1 || own.height != 1 {
                let title = format!("`cross_entropy_grad` of {} by {}", site.show(hidden), site.show(own));
                return Err(Fault::new("E0301", title).of(i));
            }
        }
        let number = |ty: &Type| Type { elem: Elem::F32, ..ty.clone() };
        Ok([2, 3, 5].iter().filter_map(|&i| site.operands.get(i)).map(|ty| number(ty)).collect())
    }

    /// With `p` the share of each row in the sum of `e^score`, the derivative by a score is `g (p - [it is the target])`.
    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let Scored { shifted, largest, targets, .. } = scored(call, 2)?;
        let (g, hidden, table) = (&call.operands[0], &call.operands[2], &call.operands[3]);
        let log_sums = (&call.operands[1] - largest)?;
        let (rows, candidates) = shifted.dims2()?;
        let from = table.dim(0)? - candidates;
        let g = tensor::choose(&targets.counts, g, &g.zeros_like()?, (rows, 1))?;
        let mut slope = shifted.broadcast_sub(&log_sums)?.exp()?.broadcast_mul(&g)?;
        if candidates > 0 {
            let at = tensor::places(&targets.places, &slope)?.reshape((rows, 1))?;
            slope = slope.scatter_add(&at, &g.neg()?, 1)?;
        }
        let by_row = |tensor: Tensor| tensor.pad_with_zeros(0, from, 0);
        let mut found = vec![
            product(&slope, &table.narrow(0, from, candidates)?.contiguous()?)?,
            by_row(product(&slope.t()?.contiguous()?, hidden)?)?,
        ];
        if call.results.len() > 2 {
            found.push(by_row(slope.sum_keepdim(0)?.reshape((candidates, 1))?)?);
        }
        Ok(found)
    }

    /// Nothing is differentiated twice.
    fn vjp(&self, _: &mut Vjp) -> Result<Cotangents, Fault> {
        Err(Fault::new("E0399", "`cross_entropy_grad` has no derivative"))
    }

    fn couples_samples(&self, site: &Site) -> bool {
        site.operands.iter().any(|ty| site.axes.batch_of(&ty.space).is_some())
    }
}

/// The type of `hidden`, once the operands from number `first` on fit.
fn operands<'a>(name: &str, site: &Site<'a>, first: usize) -> Result<&'a Type, Fault> {
    let (hidden, table, target, bias) = match site.operands.get(first..) {
        Some([hidden, table, target]) => (*hidden, *table, *target, None),
        Some([hidden, table, target, bias]) => (*hidden, *table, *target, Some(*bias)),
        _ => {
            let (least, most) = (first + 3, first + 4);
            let title = format!("`{name}` takes {least} or {most} operands, found {}", site.operands.len());
            return Err(Fault::new("E0310", title));
        }
    };
    rule::numbers(name, site, first)?;
    rule::numbers(name, site, first + 1)?;
    let [axis] = table.space.axes() else {
        let title = format!("`{name}` needs the rows of one axis, found {}", site.show(table));
        return Err(Fault::new("E0302", title).of(first + 1));
    };
    if hidden.width != table.width || hidden.height != 1 || table.height != 1 || hidden.space.has(*axis) {
        let title = format!("`{name}` of {} over {}", site.show(hidden), site.show(table));
        return Err(Fault::new("E0301", title).of(first));
    }
    let wanted = Type::index(*axis, hidden.space.clone());
    if *target != wanted {
        let title = format!("`{name}` needs a target {}, found {}", site.show(&wanted), site.show(target));
        return Err(Fault::new("E0302", title).of(first + 2));
    }
    if let Some(bias) = bias
        && (bias.elem != Elem::F32 || bias.space != table.space || bias.width != 1 || bias.height != 1)
    {
        let wanted = site.show(&Type::f32(table.space.clone(), 1));
        let title = format!("`{name}` needs a bias {wanted}, found {}", site.show(bias));
        return Err(Fault::new("E0301", title).of(first + 3));
    }
    if site.attrs.int("from") < 0 {
        return Err(rule::bad_attribute(name, "`from` is below 0"));
    }
    Ok(hidden)
}

/// Scores of every candidate, less the largest of each row, and the sums of their exponentials.
struct Scored {
    shifted: Tensor,
    largest: Tensor,
    sums: Tensor,
    targets: Targets,
}

struct Targets {
    /// Places among the candidates; 0 for one that is none.
    places: Vec<u32>,
    /// Whether each is a candidate.
    counts: Tensor,
}

fn scored(call: &Call, first: usize) -> candle_core::Result<Scored> {
    let (hidden, table, target) = (&call.operands[first], &call.operands[first + 1], &call.operands[first + 2]);
    let rows = table.dim(0)?;
    let from = (call.attrs.int("from") as usize).min(rows);
    let candidates = table.narrow(0, from, rows - from)?;
    let mut scores = product(hidden, &candidates.t()?.contiguous()?)?;
    if let Some(bias) = call.operands.get(first + 3) {
        scores = scores.broadcast_add(&bias.narrow(0, from, rows - from)?.reshape((1, rows - from))?)?;
    }
    let targets = tensor::to_places(target)?;
    if let Some(place) = targets.iter().find(|&&place| place as usize >= rows) {
        candle_core::bail!("target {place} of a table with {rows} rows");
    }
    let counts: Vec<f32> = targets.iter().map(|&place| if place as usize >= from { 1.0 } else { 0.0 }).collect();
    let counts = Tensor::from_vec(counts, (targets.len(), 1), hidden.device())?;
    let places = targets.iter().map(|&place| place.saturating_sub(from as u32)).collect();
    let targets = Targets { places, counts };
    // Candle refuses the largest of nothing.
    if scores.elem_count() == 0 {
        let none = Tensor::ones((hidden.dim(0)?, 1), hidden.dtype(), hidden.device())?;
        return Ok(Scored { shifted: scores, largest: none.zeros_like()?, sums: none, targets });
    }
    let largest = scores.max_keepdim(1)?;
    let shifted = scores.broadcast_sub(&largest)?;
    let sums = shifted.exp()?.sum_keepdim(1)?;
    Ok(Scored { shifted, largest, sums, targets })
}

#[cfg(test)]
mod tests {
    use crate::prim::check::{Batch, check_derivatives, graph, refused, some, value};

    const NEXT: &str = "
        axis |movie|: rows of movie
        axis h: ragged of B
        table @movie: f32[|movie|, 2] = normal(0.01)
        table @bias: f32[|movie|, 1] = 0
        input %x: f32[B, h, 2]
        input %next: id<movie>[B, h] = feature(next) along h
        %place: index<|movie|>[B, h] = locate(%next) {to: |movie|}
        %rows: f32[B, h, 1], %sum: f32[B, h, 1] = cross_entropy(%x, @movie, %place, @bias) {from: 1}
        %tied: f32[B, h, 1], %tied.sum: f32[B, h, 1] = cross_entropy(%x, @movie, %place) {from: 1}";

    fn batch() -> Batch {
        let batch = Batch::of(2).axis("h", &[0, 2, 3]).rows("|movie|", &[0, 1, 2, 3]).with("x", &some(6, 0));
        batch.with("next", &[3.0, 0.0, 1.0]).with("@movie", &some(8, 6)).with("@bias", &some(4, 14))
    }

    #[test]
    fn the_loss_is_minus_the_logarithm_of_the_share_of_the_target() {
        let (x, movie, bias) = (some(6, 0), some(8, 6), some(4, 14));
        let score =
            |row: usize, item: usize| x[2 * row] * movie[2 * item] + x[2 * row + 1] * movie[2 * item + 1] + bias[item];
        let loss =
            |row: usize, item: usize| (1..4).map(|other| score(row, other).exp()).sum::<f64>().ln() - score(row, item);
        let found = value(&graph(NEXT), &batch(), "rows");
        for (found, expected) in found.iter().zip([loss(0, 3), 0.0, loss(2, 1)]) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
        check_derivatives(&graph(NEXT), &batch(), &["rows", "tied"], &["x", "@movie", "@bias"]);
    }

    #[test]
    fn large_scores_do_not_overflow() {
        let batch = batch().with("x", &[1e4, 0.0, -1e4, 0.0, 1e4, 1e4]);
        assert!(value(&graph(NEXT), &batch, "rows").iter().all(|loss| loss.is_finite()));
    }

    #[test]
    fn no_candidate_and_no_row_are_no_loss() {
        let lines = NEXT.replace("from: 1", "from: 9");
        assert_eq!(value(&graph(&lines), &batch(), "rows"), [0.0, 0.0, 0.0]);
        check_derivatives(&graph(&lines), &batch(), &["rows"], &["x", "@movie", "@bias"]);
        let empty = batch().axis("h", &[0, 0, 0]).with("x", &[]).with("next", &[]);
        assert_eq!(value(&graph(NEXT), &empty, "rows"), [0.0; 0]);
        check_derivatives(&graph(NEXT), &empty, &["rows"], &["@movie", "@bias"]);
    }

    #[test]
    fn a_target_of_another_axis_is_refused() {
        assert_eq!(
            refused(&NEXT.replace("cross_entropy(%x, @movie, %place)", "cross_entropy(%x, @movie, %x)")),
            "E0302"
        );
        assert_eq!(
            refused(&NEXT.replace("cross_entropy(%x, @movie, %place)", "cross_entropy(@movie, @movie, %place)")),
            "E0301"
        );
        assert_eq!(refused(&NEXT.replace("%place, @bias)", "%place, @movie)")), "E0301");
    }
}
