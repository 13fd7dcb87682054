//! What composite operations are in training: dropout is a product with noise, batch normalisation uses the statistics of
//! the batch and keeps running ones.

use crate::ir::attr::Attrs;
use crate::ir::copy::Copy;
use crate::ir::graph::{Def, Graph, Item, Node, ParamId, ValueId};
use crate::ir::op::Fault;
use crate::prim::{assign, make};

use super::Goal;

/// A running statistic that a batch norm moves.
struct Running {
    target: String,
    value: ValueId,
}

/// Replaces `dropout` and `batch_norm`.
pub fn expand(graph: &Graph, _: Goal) -> Result<Graph, Fault> {
    let mut copy = Copy::new(graph);
    let mut running = Vec::new();
    for &item in graph.order() {
        let Item::Node(id) = item else {
            copy.item(item)?;
            continue;
        };
        let node = graph.node(id);
        copy.at(node);
        let expanded = match node.op.name() {
            "dropout" => dropout(&mut copy, node)?,
            "batch_norm" => batch_norm(&mut copy, node, &mut running)?,
            _ => {
                copy.node(id)?;
                continue;
            }
        };
        copy.replace_named(node.results[0], expanded);
    }
    for running in running {
        let target = copy.to.graph().find_param(&running.target);
        let target = target.ok_or_else(|| Fault::new("E0399", format!("no parameter `{}`", running.target)))?;
        copy.to.effect(&assign::Assign, &[target], &[running.value], Attrs::none())?;
    }
    copy.finish()
}

fn dropout(copy: &mut Copy, node: &Node) -> Result<ValueId, Fault> {
    let x = copy.value(node.operands[0]);
    let like = copy.to.ty(x).clone();
    let (stream, rate) = (node.attrs.text("stream"), node.attrs.float("rate"));
    let noise = make::random(&mut copy.to, &like.space, like.width, stream, rate)?;
    make::mul(&mut copy.to, x, noise)
}

/// `(x - mean) / sqrt(variance + eps)` with both of the batch. Running averages move by `momentum`; a batch without rows
/// leaves them as they are. Where calls share their statistics, each moves what the one before left.
fn batch_norm(copy: &mut Copy, node: &Node, running: &mut Vec<Running>) -> Result<ValueId, Fault> {
    let x = copy.value(node.operands[0]);
    let space = copy.to.ty(x).space.clone();
    let to = &mut copy.to;
    let [mean, variance] = make::moments(to, x)?;
    let count = make::count(to, space.axes().to_vec(), space.axes().to_vec())?;
    let one = make::constant(to, 1.0, 1)?;
    let any = make::binary(to, "min", count, one)?;
    let momentum = make::constant(to, node.attrs.float("momentum"), 1)?;
    let step = make::mul(to, any, momentum)?;
    for (operand, batch) in [(node.operands[1], mean), (node.operands[2], variance)] {
        let target = param_name(copy.from, operand)?;
        let moved = running.iter().position(|known| known.target == target).map(|at| running.remove(at));
        let old = moved.map_or_else(|| copy.value(operand), |known| known.value);
        let to = &mut copy.to;
        let change = make::sub(to, batch, old)?;
        let change = make::mul(to, change, step)?;
        let value = make::add(to, old, change)?;
        running.push(Running { target, value });
    }
    normalise(copy, x, mean, variance, node.attrs.float("eps"))
}

/// `(x - mean) * rsqrt(variance + eps)`.
pub(super) fn normalise(
    copy: &mut Copy,
    x: ValueId,
    mean: ValueId,
    variance: ValueId,
    eps: f64,
) -> Result<ValueId, Fault> {
    let to = &mut copy.to;
    let eps = make::constant(to, eps, 1)?;
    let variance = make::add(to, variance, eps)?;
    let scale = make::unary(to, "rsqrt", variance)?;
    let centred = make::sub(to, x, mean)?;
    make::mul(to, centred, scale)
}

/// The path of the parameter that a value reads.
fn param_name(graph: &Graph, value: ValueId) -> Result<String, Fault> {
    let id: Option<ParamId> = match graph.value(value).def {
        Def::Param(id) => Some(id),
        _ => None,
    };
    let id = id.ok_or_else(|| Fault::new("E0399", "a running statistic is no parameter"))?;
    Ok(graph.param(id).name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both calls see the running mean: the second moves what the first left, so there is one effect of each statistic.
    #[test]
    fn calls_that_share_statistics_move_them_one_after_the_other() {
        let text = "model m { axis B: batch input %x: f32[B, 1] input %y: f32[B, 1] state @n.mean: f32[1] = 0 state @n.var: f32[1] = 1 \
                    %a: f32[B, 1] = batch_norm(%x, @n.mean, @n.var) {eps: 0.1, momentum: 0.5} \
                    %b: f32[B, 1] = batch_norm(%y, @n.mean, @n.var) {eps: 0.1, momentum: 0.5} \
                    %c: f32[B, 1] = add(%a, %b) %l: f32[1] = sum(%c) {over: [B]} loss l = %l }";
        let file = crate::diag::Sources::default().add("m.ir", text);
        let graph = crate::ir::read::read(text, file, crate::prim::REGISTRY).unwrap();
        let expanded = expand(&graph, Goal::Gradients).unwrap().to_string();
        assert_eq!(expanded.matches("assign(").count(), 2, "{expanded}");
    }
}
