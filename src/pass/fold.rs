//! Small rules that make an expression cheaper without changing its value: constants, neutral elements, repeats that the
//! reader broadcasts over anyway.

use crate::ir::copy::Copy;
use crate::ir::graph::{Graph, Item, Node, ValueId};
use crate::ir::op::Fault;
use crate::prim::make;

use super::Goal;

/// A rule looks at a node whose operands are copied already and gives the value that takes its place.
type Rule = fn(&mut Copy, &Node) -> Result<Option<ValueId>, Fault>;

const RULES: &[Rule] = &[constants, neutral, double_negation, add_of_negation, repeated_operand];

/// Applies the first rule that fits to every node of one result, in order; operands are folded before their readers.
pub fn fold(graph: &Graph, _: Goal) -> Result<Graph, Fault> {
    let mut copy = Copy::new(graph);
    for &item in graph.order() {
        let Item::Node(id) = item else {
            copy.item(item)?;
            continue;
        };
        let node = graph.node(id);
        let [result] = node.results[..] else {
            copy.item(item)?;
            continue;
        };
        copy.at(node);
        let mut folded = None;
        for rule in RULES {
            folded = rule(&mut copy, node)?;
            if folded.is_some() {
                break;
            }
        }
        match folded {
            Some(new) => copy.replace(result, new),
            None => copy.node(id)?,
        }
    }
    copy.finish()
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
    let same = kept_type.width >= other_type.width && kept_type.elem == crate::ir::types::Elem::F32;
    Ok(same.then_some(kept))
}

/// `-(-x)`.
fn double_negation(copy: &mut Copy, node: &Node) -> Result<Option<ValueId>, Fault> {
    if node.op.name() != "neg" {
        return Ok(None);
    }
    Ok(operand_of(copy, copy.value(node.operands[0]), "neg"))
}

/// `a + (-b)` is `a - b`.
fn add_of_negation(copy: &mut Copy, node: &Node) -> Result<Option<ValueId>, Fault> {
    if node.op.name() != "add" {
        return Ok(None);
    }
    let (a, b) = (copy.value(node.operands[0]), copy.value(node.operands[1]));
    match (operand_of(copy, b, "neg"), operand_of(copy, a, "neg")) {
        (Some(b), _) => Ok(Some(make::sub(&mut copy.to, a, b)?)),
        (None, Some(a)) => Ok(Some(make::sub(&mut copy.to, b, a)?)),
        _ => Ok(None),
    }
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
