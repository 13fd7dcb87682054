//! Finds scaled dot-product attention, however it is written, and says it in one operation: `softmax(dot(q, k) / c)` along an
//! axis, and the sum of values by these weights along the same axis. Neither scores nor weights are then values of the
//! graph, and what costs the square of a sequence's length is never stored.
//!
//! A query alone is left as it is: its scores are as few as its keys.

use crate::ir::attr::Attrs;
use crate::ir::axis::{AxisId, AxisKind};
use crate::ir::copy::{Copy, rewrite};
use crate::ir::graph::{Graph, Node, ValueId};
use crate::ir::op::Fault;
use crate::ir::types::Space;
use crate::prim::attention::Attention;
use crate::prim::make;

use super::Goal;

/// Attention that was found; values and axes are of the old graph.
struct Found {
    q: ValueId,
    k: ValueId,
    v: ValueId,
    /// The space that the operation needs `q` in.
    space: Space,
    /// The axis that is summed over, as `k` and `v` have it.
    over: AxisId,
    /// The axis of the heads, which lie side by side in `q`, `k` and `v`.
    heads: Option<AxisId>,
    scale: f64,
    causal: bool,
    rate: f64,
    stream: String,
}

/// What the weights of a sum are.
struct Weights {
    /// The side of the product that has the axis.
    key: ValueId,
    query: ValueId,
    over: AxisId,
    scale: f64,
    causal: bool,
    rate: f64,
    stream: String,
}

/// Puts `attention` in the place of every sum that is one.
pub fn attend(graph: &Graph, _: Goal) -> Result<Graph, Fault> {
    rewrite(graph, |copy, node| {
        let Some(found) = find(graph, node) else { return Ok(false) };
        let value = build(copy, found)?;
        copy.replace_named(node.results[0], value);
        Ok(true)
    })
}

fn build(copy: &mut Copy, found: Found) -> Result<ValueId, Fault> {
    let (over, heads) = (copy.copy_axis(found.over), found.heads.map(|axis| copy.copy_axis(axis)));
    let axes: Vec<AxisId> = found.space.axes().iter().map(|&axis| copy.copy_axis(axis)).collect();
    let (q, k, v) = (copy.value(found.q), copy.value(found.k), copy.value(found.v));
    let to = &mut copy.to;
    let space = to.graph().axes().close(&axes);
    let like = to.ty(q).with_space(space);
    let q = make::expand(to, q, &like)?;
    let count = heads.and_then(|axis| to.graph().axes().fixed(axis)).unwrap_or(1);
    let attrs = Attrs::none()
        .with("causal", found.causal)
        .with("heads", count)
        .with("over", over)
        .with("rate", found.rate)
        .with("scale", found.scale)
        .with("stream", found.stream.as_str());
    let mixed = to.one(&Attention, &[q, k, v], attrs)?;
    match heads {
        Some(axis) => make::split(to, mixed, axis),
        None => Ok(mixed),
    }
}

fn find(graph: &Graph, node: &Node) -> Option<Found> {
    let (a, b) = factors(graph, node)?;
    let (weights, value) = match (weights(graph, a), weights(graph, b)) {
        (Some(weights), _) => (weights, b),
        (None, Some(weights)) => (weights, a),
        (None, None) => return None,
    };
    if node.attrs.axes("over") != [weights.over] {
        return None;
    }
    let (key, query) = (weights.key, weights.query);
    if graph.ty(value).space != graph.ty(key).space || graph.ty(value).width != graph.ty(key).width {
        return None;
    }
    // Heads are kept side by side where all three were split into them.
    let heads = produced_by(graph, query, "split").and_then(|split| split.attrs.axis("axis"));
    let side_by_side = heads.and_then(|heads| inner(graph, &weights, value, Some(heads)));
    let heads = heads.filter(|_| side_by_side.is_some());
    let (q, k, v, over) = side_by_side.or_else(|| inner(graph, &weights, value, None))?;
    let groups = graph.axes().without(&graph.ty(k).space, &[over]).ok()?;
    graph.axes().batch_of(&groups)?;
    let space = graph.ty(q).space.unite(&groups);
    let result = heads.map_or(space.clone(), |heads| space.unite(&graph.axes().close(&[heads])));
    let fits = result == graph.ty(node.results[0]).space && graph.ty(q).width == graph.ty(k).width;
    if !fits || space == groups || (weights.causal && space != graph.ty(k).space) {
        return None;
    }
    let Weights { scale, causal, rate, stream, .. } = weights;
    Some(Found { q, k, v, space, over, heads, scale, causal, rate, stream })
}

/// The two values whose product a node sums.
fn factors(graph: &Graph, node: &Node) -> Option<(ValueId, ValueId)> {
    match (node.op.name(), &node.operands[..]) {
        ("contract", &[a, b]) => Some((a, b)),
        ("sum", &[product]) => match produced_by(graph, product, "mul")?.operands[..] {
            [a, b] => Some((a, b)),
            _ => None,
        },
        _ => None,
    }
}

/// A softmax of scaled products, with dropout or without.
fn weights(graph: &Graph, value: ValueId) -> Option<Weights> {
    let (softmax, noise) = match produced_by(graph, value, "softmax") {
        Some(softmax) => (softmax, None),
        None => {
            let &[a, b] = &produced_by(graph, value, "mul")?.operands[..] else { return None };
            let noisy = |a, b| Some((produced_by(graph, a, "softmax")?, Some(produced_by(graph, b, "random")?)));
            noisy(a, b).or_else(|| noisy(b, a))?
        }
    };
    if let Some(noise) = noise
        && graph.ty(noise.results[0]).space != graph.ty(softmax.results[0]).space
    {
        return None;
    }
    let &[over] = softmax.attrs.axes("over") else { return None };
    let causal = match softmax.operands.get(1) {
        Some(&condition) => is_past(graph, condition, over).then_some(true)?,
        None => false,
    };
    let (product, scale) = unscaled(graph, softmax.operands[0]);
    let &[a, b] = &produced_by(graph, product, "dot")?.operands[..] else { return None };
    let (key, query) = match (graph.ty(a).space.has(over), graph.ty(b).space.has(over)) {
        (false, true) => (b, a),
        (true, false) => (a, b),
        _ => return None,
    };
    let (rate, stream) = noise.map_or((0.0, ""), |noise| (noise.attrs.float("rate"), noise.attrs.text("stream")));
    Some(Weights { key, query, over, scale, causal, rate, stream: stream.to_owned() })
}

/// The values behind splits into heads and behind a twin, and the axis they have then: all of them, or none.
fn inner(
    graph: &Graph,
    weights: &Weights,
    value: ValueId,
    heads: Option<AxisId>,
) -> Option<(ValueId, ValueId, ValueId, AxisId)> {
    let twin = match graph.axis(weights.over).kind {
        AxisKind::Twin { of } => Some(of),
        _ => None,
    };
    let over = twin.unwrap_or(weights.over);
    let of_keys = |value| behind(graph, value, twin.map(|of| (of, weights.over)), heads);
    Some((behind(graph, weights.query, None, heads)?, of_keys(weights.key)?, of_keys(value)?, over))
}

/// The value behind a twin and a split, in any order; none where one of them is not there.
fn behind(graph: &Graph, value: ValueId, twin: Option<(AxisId, AxisId)>, heads: Option<AxisId>) -> Option<ValueId> {
    let (mut value, mut twin, mut heads) = (value, twin, heads);
    while twin.is_some() || heads.is_some() {
        let node = graph.producer(value)?;
        match node.op.name() {
            "twin" if twin == node.attrs.axis("of").zip(node.attrs.axis("as")) => twin = None,
            "split" if heads == node.attrs.axis("axis") => heads = None,
            _ => return None,
        }
        value = *node.operands.first()?;
    }
    Some(value)
}

/// A value without the numbers it is multiplied with or divided by, and their product.
fn unscaled(graph: &Graph, value: ValueId) -> (ValueId, f64) {
    let number = |value| {
        let constant = produced_by(graph, value, "constant").filter(|constant| constant.attrs.int("width") == 1)?;
        Some(constant.attrs.float("value"))
    };
    let (mut value, mut scale) = (value, 1.0);
    while let Some(node) = graph.producer(value) {
        (value, scale) = match (node.op.name(), &node.operands[..]) {
            ("mul", &[a, b]) => match (number(a), number(b)) {
                (_, Some(factor)) => (a, scale * factor),
                (Some(factor), _) => (b, scale * factor),
                _ => break,
            },
            ("div", &[a, b]) => match number(b) {
                Some(divisor) if divisor != 0.0 => (a, scale / divisor),
                _ => break,
            },
            _ => break,
        };
    }
    (value, scale)
}

/// Whether a condition lets every element see itself and those before it.
fn is_past(graph: &Graph, condition: ValueId, over: AxisId) -> bool {
    let AxisKind::Twin { of } = graph.axis(over).kind else { return false };
    let Some(before) = produced_by(graph, condition, "before") else { return false };
    before.attrs.axis("first") == Some(over) && before.attrs.axis("second") == Some(of) && !before.attrs.flag("strict")
}

/// The node that computes a value, if it is of that name.
fn produced_by<'g>(graph: &'g Graph, value: ValueId, op: &str) -> Option<&'g Node> {
    graph.producer(value).filter(|node| node.op.name() == op)
}

#[cfg(test)]
mod tests {
    use crate::diag::FileId;
    use crate::ir::read::read;
    use crate::pass::Goal;
    use crate::prim::REGISTRY;
    use crate::prim::check::{Batch, some, value};

    use super::super::fold::fold;
    use super::attend;

    const AXES: &str = "
        axis B: batch
        axis heads: static(2)
        axis h: ragged of B
        axis p: twin of h
        axis s: ragged of B
        input %x: f32[B, h, 4]
        input %y: f32[B, s, 4]
        %two: f32[1] = constant() {value: 2, width: 1}";

    /// Several heads, causal, the sum of a product.
    const HEADS: &str = "
        %q: f32[B, heads, h, 2] = split(%x) {axis: heads}
        %k: f32[B, heads, p, 2] = twin(%q) {as: p, of: h}
        %scores: f32[B, heads, h, p, 1] = dot(%q, %k)
        %scaled: f32[B, heads, h, p, 1] = div(%scores, %two)
        %past: bool[B, h, p] = before() {first: p, second: h, strict: false}
        %weights: f32[B, heads, h, p, 1] = softmax(%scaled, %past) {over: p}
        %products: f32[B, heads, h, p, 2] = mul(%k, %weights)
        %mixed: f32[B, heads, h, 2] = sum(%products) {over: p}
        %out: f32[B, h, 4] = merge(%mixed) {axis: heads}";

    /// One head, another axis, a contraction, no scale.
    const CROSS: &str = "
        %scores: f32[B, h, s, 1] = dot(%y, %x)
        %weights: f32[B, h, s, 1] = softmax(%scores) {over: s}
        %out: f32[B, h, 4] = contract(%weights, %y) {over: s}";

    /// A query alone.
    const TARGET: &str = "
        %q: f32[B, 4] = sum(%y) {over: s}
        %scores: f32[B, h, 1] = dot(%q, %x)
        %weights: f32[B, h, 1] = softmax(%scores) {over: h}
        %out: f32[B, 4] = contract(%weights, %x) {over: h}";

    fn attended(lines: &str) -> (Vec<f64>, Vec<f64>, Vec<&'static str>) {
        let text = format!("model test {{ {AXES} {lines} output out = %out }}");
        let graph = read(&text, FileId(0), REGISTRY).unwrap();
        let found = fold(&attend(&graph, Goal::Gradients).unwrap(), Goal::Gradients).unwrap();
        let found = crate::pass::prune::prune(&found, Goal::Gradients).unwrap();
        let batch = Batch::of(3).axis("h", &[0, 3, 3, 4]).axis("s", &[0, 2, 3, 3]);
        let batch = batch.with("x", &some(16, 0)).with("y", &some(12, 16));
        let names = found.nodes().map(|(_, node)| node.op.name()).collect();
        (value(&graph, &batch, "out"), value(&found, &batch, found_name(&found)), names)
    }

    fn found_name(graph: &crate::ir::graph::Graph) -> &str {
        &graph.value(graph.outputs()[0].value).name
    }

    #[test]
    fn heads_become_one_operation_and_their_moves_cancel() {
        let (expected, found, names) = attended(HEADS);
        assert_eq!(names, ["attention"]);
        assert!(expected.iter().zip(found).all(|(a, b)| (a - b).abs() < 1e-12));
    }

    #[test]
    fn queries_of_one_axis_over_keys_of_another_become_one_operation() {
        let (expected, found, names) = attended(CROSS);
        assert_eq!(names, ["attention"]);
        assert!(expected.iter().zip(found).all(|(a, b)| (a - b).abs() < 1e-12));
    }

    #[test]
    fn what_is_not_attention_of_pairs_stays() {
        assert!(!attended(TARGET).2.contains(&"attention"));
        assert!(!attended(&HEADS.replace("strict: false", "strict: true")).2.contains(&"attention"));
        assert!(!attended(&HEADS.replace("mul(%k, %weights)", "mul(%k, %scaled)")).2.contains(&"attention"));
    }
}
