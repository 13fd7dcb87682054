//! Small rules that make an expression cheaper, or the same in whatever words it was said, without changing its value:
//! constants, neutral elements, negations, repeats that the reader broadcasts over anyway.

use crate::ir::axis::{AxisId, AxisKind};
use crate::ir::copy::{Copy, rewrite_inside};
use crate::ir::graph::{Graph, Node, ValueId};
use crate::ir::op::Fault;
use crate::ir::types::Elem;
use crate::prim::make;

use super::Goal;

/// A rule looks at a node whose operands are copied already and gives the value that takes its place.
type Rule = fn(&mut Copy, &Node) -> Result<Option<ValueId>, Fault>;

const RULES: &[Rule] = &[
    constants,
    neutral,
    factors,
    negation,
    sum_of_negation,
    choice_of_negation,
    repeated_operand,
    bias,
    concat_of_concat,
    there_and_back,
    sum_by_place,
    side_by_side,
];

/// Applies the first rule that fits to every node of one result, in order; operands are folded before their readers.
pub fn fold(graph: &Graph, _: Goal) -> Result<Graph, Fault> {
    rewrite_inside(graph, |copy, node| {
        let [result] = node.results[..] else { return Ok(false) };
        for rule in RULES {
            if let Some(new) = rule(copy, node)? {
                copy.replace(result, new);
                return Ok(true);
            }
        }
        Ok(false)
    })
}

/// The number of a constant of the new graph.
fn number(copy: &Copy, value: ValueId) -> Option<f64> {
    let graph = copy.to.graph();
    let node = graph.producer(value).filter(|node| node.op.name() == "constant")?;
    Some(node.attrs.float("value"))
}

/// The only operand of the node that computes a value, if that is the named operation.
fn operand_of(copy: &Copy, value: ValueId, op: &str) -> Option<ValueId> {
    let node = copy.to.graph().producer(value).filter(|node| node.op.name() == op)?;
    node.operands.first().copied()
}

/// Arithmetic on constants.
fn constants(copy: &mut Copy, node: &Node) -> Result<Option<ValueId>, Fault> {
    let operands = copy.operands(node);
    let numbers: Option<Vec<f64>> = operands.iter().map(|&value| number(copy, value)).collect();
    let result = match (node.op.name(), numbers.as_deref()) {
        ("add", Some([a, b])) => a + b,
        ("sub", Some([a, b])) => a - b,
        ("mul", Some([a, b])) => a * b,
        ("div", Some([a, b])) if *b != 0.0 => a / b,
        ("neg", Some([a])) => -a,
        _ => return Ok(None),
    };
    let width = operands.iter().map(|&value| copy.to.ty(value).width).max().unwrap_or(1);
    Ok(Some(make::constant(&mut copy.to, result, width)?))
}

/// `x * 1`, `x + 0`, `x - 0`, `x / 1`, where the result is no wider and has no more rows than `x`.
fn neutral(copy: &mut Copy, node: &Node) -> Result<Option<ValueId>, Fault> {
    let [a, b] = copy.operands(node)[..] else { return Ok(None) };
    let (left, right) = (number(copy, a), number(copy, b));
    let kept = match node.op.name() {
        "mul" if right == Some(1.0) => a,
        "mul" if left == Some(1.0) => b,
        "add" | "sub" if right == Some(0.0) => a,
        "add" if left == Some(0.0) => b,
        "div" if right == Some(1.0) => a,
        _ => return Ok(None),
    };
    let other = if kept == a { b } else { a };
    let (kept_type, other_type) = (copy.to.ty(kept), copy.to.ty(other));
    let same = kept_type.width >= other_type.width && kept_type.elem == Elem::F32;
    Ok(same.then_some(kept))
}

/// `-1 x` and `0 - x` are `-x`, `x x` is a square, and to divide by a power of 2 is to multiply by another: their bits are
/// the same.
fn factors(copy: &mut Copy, node: &Node) -> Result<Option<ValueId>, Fault> {
    let [a, b] = copy.operands(node)[..] else { return Ok(None) };
    let (left, right) = (number(copy, a), number(copy, b));
    let wanted = copy.from.ty(node.results[0]).clone();
    let is_whole = |copy: &Copy, x: ValueId| copy.to.ty(x).width == wanted.width && copy.to.ty(x).elem == wanted.elem;
    match node.op.name() {
        "mul" if right == Some(-1.0) && is_whole(copy, a) => make::unary(&mut copy.to, "neg", a).map(Some),
        "mul" if left == Some(-1.0) && is_whole(copy, b) => make::unary(&mut copy.to, "neg", b).map(Some),
        "mul" if a == b && is_whole(copy, a) => make::unary(&mut copy.to, "square", a).map(Some),
        "sub" if left == Some(0.0) && is_whole(copy, b) => make::unary(&mut copy.to, "neg", b).map(Some),
        "div" => match right.filter(|&divisor| is_power_of_two(divisor)) {
            Some(divisor) => {
                let to = &mut copy.to;
                let width = to.ty(b).width;
                let factor = make::constant(to, 1.0 / divisor, width)?;
                make::mul(to, a, factor).map(Some)
            }
            None => Ok(None),
        },
        _ => Ok(None),
    }
}

/// Whether a number and its reciprocal are exact in single precision, well inside of its range.
fn is_power_of_two(number: f64) -> bool {
    let exponent = number.abs().log2();
    exponent.fract() == 0.0 && exponent.abs() <= 100.0
}

/// `-(-x)`, `not not c`, and `-(a - b)`.
fn negation(copy: &mut Copy, node: &Node) -> Result<Option<ValueId>, Fault> {
    let name = node.op.name();
    if !matches!(name, "neg" | "not") {
        return Ok(None);
    }
    let x = copy.value(node.operands[0]);
    if let Some(inner) = operand_of(copy, x, name) {
        return Ok(Some(inner));
    }
    let difference = copy.to.graph().producer(x).filter(|inner| name == "neg" && inner.op.name() == "sub");
    match difference.map(|inner| inner.operands.clone()).as_deref() {
        Some(&[a, b]) => make::sub(&mut copy.to, b, a).map(Some),
        _ => Ok(None),
    }
}

/// `a + (-b)` is `a - b`, and `a - (-b)` is `a + b`.
fn sum_of_negation(copy: &mut Copy, node: &Node) -> Result<Option<ValueId>, Fault> {
    let name = node.op.name();
    if !matches!(name, "add" | "sub") {
        return Ok(None);
    }
    let (a, b) = (copy.value(node.operands[0]), copy.value(node.operands[1]));
    match (name, operand_of(copy, b, "neg"), operand_of(copy, a, "neg")) {
        ("add", Some(b), _) => make::sub(&mut copy.to, a, b).map(Some),
        ("add", None, Some(a)) => make::sub(&mut copy.to, b, a).map(Some),
        ("sub", Some(b), _) => make::add(&mut copy.to, a, b).map(Some),
        _ => Ok(None),
    }
}

/// `if(not c, a, b)` is `if(c, b, a)`.
fn choice_of_negation(copy: &mut Copy, node: &Node) -> Result<Option<ValueId>, Fault> {
    let [c, a, b] = copy.operands(node)[..] else { return Ok(None) };
    if node.op.name() != "choose" {
        return Ok(None);
    }
    match operand_of(copy, c, "not") {
        Some(c) => make::choose(&mut copy.to, c, b, a).map(Some),
        None => Ok(None),
    }
}

/// A layer without bias and a row added to it are a layer with that bias, if nothing reads the layer without it.
fn bias(copy: &mut Copy, node: &Node) -> Result<Option<ValueId>, Fault> {
    let [a, b] = copy.operands(node)[..] else { return Ok(None) };
    if node.op.name() != "add" {
        return Ok(None);
    }
    for (layer, row, old) in [(a, b, node.operands[0]), (b, a, node.operands[1])] {
        let graph = copy.to.graph();
        let found = graph.producer(layer).filter(|found| found.op.name() == "linear" && found.operands.len() == 2);
        let Some([x, w]) =
            found.map(|found| found.operands.clone()).as_deref().and_then(|two| two.first_chunk()).copied()
        else {
            continue;
        };
        let row_type = graph.ty(row);
        let is_bias = row_type.space.is_unit() && row_type.height == 1 && row_type.width == graph.ty(layer).width;
        if is_bias && row_type.elem == Elem::F32 && copy.from.readers(old) == 1 {
            return make::linear(&mut copy.to, x, w, Some(row)).map(Some);
        }
    }
    Ok(None)
}

/// `concat(concat(a, b), c)` is `concat(a, b, c)`, if nothing else reads the inner one and it has all rows of the outer one:
/// one with fewer is worth keeping, since a layer is applied to it in its own rows.
fn concat_of_concat(copy: &mut Copy, node: &Node) -> Result<Option<ValueId>, Fault> {
    if node.op.name() != "concat" {
        return Ok(None);
    }
    let rows = copy.from.ty(node.results[0]).space.axes().len();
    let mut parts = Vec::new();
    for &old in &node.operands {
        let part = copy.value(old);
        let inner = copy.to.graph().producer(part).filter(|inner| {
            inner.op.name() == "concat" && copy.to.ty(part).space.axes().len() == rows && copy.from.readers(old) == 1
        });
        match inner {
            Some(inner) => parts.extend(&inner.operands),
            None => parts.push(part),
        }
    }
    if parts.len() == node.operands.len() {
        return Ok(None);
    }
    make::concat(&mut copy.to, &parts).map(Some)
}

/// A move and the move back: heads that are split and merged again.
fn there_and_back(copy: &mut Copy, node: &Node) -> Result<Option<ValueId>, Fault> {
    let back = match node.op.name() {
        "merge" => "split",
        "split" => "merge",
        "transpose" => "transpose",
        _ => return Ok(None),
    };
    let between = copy.value(node.operands[0]);
    let Some(first) = copy.to.graph().producer(between).filter(|first| first.op.name() == back) else {
        return Ok(None);
    };
    let (axis, source) = (first.attrs.axis("axis"), first.operands[0]);
    let wanted = node.attrs.axis("axis").map(|axis| copy.copy_axis(axis));
    Ok((axis == wanted && copy.to.ty(source).elem == Elem::F32).then_some(source))
}

/// An elementwise operation repeats its operands by itself, so `expand(g) * k` reads `g` where `k` has all rows.
fn repeated_operand(copy: &mut Copy, node: &Node) -> Result<Option<ValueId>, Fault> {
    if !matches!(node.op.name(), "add" | "sub" | "mul" | "div") {
        return Ok(None);
    }
    let [a, b] = copy.operands(node)[..] else { return Ok(None) };
    let wanted = copy.from.ty(node.results[0]);
    for (repeated, other, first) in [(a, b, true), (b, a, false)] {
        let Some(source) = operand_of(copy, repeated, "expand") else { continue };
        let other_type = copy.to.ty(other);
        let same_rows = other_type.space.axes().len() == wanted.space.axes().len();
        if same_rows && other_type.width == wanted.width {
            let (a, b) = if first { (source, other) } else { (other, source) };
            return Ok(Some(make::binary(&mut copy.to, node.op.name(), a, b)?));
        }
    }
    Ok(None)
}

/// Two sums by distinct rows of a table are one, where nothing else reads either: rows are as many as ids, and each is written
/// once.
fn sum_by_place(copy: &mut Copy, node: &Node) -> Result<Option<ValueId>, Fault> {
    if node.op.name() != "add" || node.operands.iter().any(|&old| copy.from.readers(old) != 1) {
        return Ok(None);
    }
    let graph = copy.to.graph();
    let of_table = |axis: &AxisId| matches!(graph.axis(*axis).kind, AxisKind::Unique { .. });
    let mut pairs = Vec::new();
    let mut to = None;
    for value in copy.operands(node) {
        let found = graph.producer(value).filter(|found| found.op.name() == "scatter");
        let Some(found) = found else { return Ok(None) };
        to = found.attrs.axis("to").filter(of_table);
        pairs.extend(&found.operands);
    }
    match to {
        Some(to) => make::scatter_all(&mut copy.to, &pairs, to).map(Some),
        None => Ok(None),
    }
}

/// Two parts of a row with zeros around them that add up to all of it stand side by side: the derivatives of two slices.
fn side_by_side(copy: &mut Copy, node: &Node) -> Result<Option<ValueId>, Fault> {
    if node.op.name() != "add" {
        return Ok(None);
    }
    let width = copy.from.ty(node.results[0]).width;
    let graph = copy.to.graph();
    let mut parts = Vec::new();
    for value in copy.operands(node) {
        let Some(pad) = graph.producer(value).filter(|found| found.op.name() == "pad") else { return Ok(None) };
        parts.push((pad.attrs.int("from"), pad.operands[0]));
    }
    parts.sort_by_key(|&(from, _)| from);
    let [(0, first), (from, second)] = parts[..] else { return Ok(None) };
    let (a, b) = (graph.ty(first), graph.ty(second));
    let whole = i64::from(a.width) == from && a.width + b.width == width && a.space == b.space;
    if whole { make::concat(&mut copy.to, &[first, second]).map(Some) } else { Ok(None) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prim::check::graph;

    fn text_of(lines: &str) -> String {
        fold(&graph(lines), Goal::Predict).unwrap().to_string()
    }

    #[test]
    fn padded_parts_stand_side_by_side_if_they_make_a_row() {
        let sum = |from: u32| {
            text_of(&format!(
                "input %a: f32[B, 2] input %b: f32[B, 3] %p: f32[B, 5] = pad(%a) {{from: {from}, width: 5}}
                 %q: f32[B, 5] = pad(%b) {{from: 0, width: 5}} %y: f32[B, 5] = add(%p, %q) output y = %y"
            ))
        };
        assert!(sum(3).contains("= concat(%b, %a)"), "{}", sum(3));
        // One lies over the other.
        assert!(sum(2).contains("= add(%p, %q)"), "{}", sum(2));
    }

    #[test]
    fn sums_by_rows_of_one_table_are_one_if_nothing_else_reads_them() {
        let sum = |outputs: &str| {
            text_of(&format!(
                "axis h: ragged of B axis t!: distinct rows of t input %x: f32[B, 2] input %i: index<t!>[B]
                 input %z: f32[B, h, 2] input %j: index<t!>[B, h] %a: f32[t!, 2] = scatter(%x, %i) {{to: t!}}
                 %b: f32[t!, 2] = scatter(%z, %j) {{to: t!}} %y: f32[t!, 2] = add(%a, %b) {outputs}"
            ))
        };
        let text = sum("output y = %y");
        assert!(text.contains("= scatter(%x, %i, %z, %j) {to: t!}"), "{text}");
        let text = sum("output y = %y output a = %a");
        assert!(text.contains("= add(%a, %b)"), "{text}");
    }
}
