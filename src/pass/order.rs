//! Gives graphs that say the same one form: operands that may be exchanged stand in one order, and nodes in the order in
//! which the roots ask for them. So an attention costs the same, and trains to the same bits, in whatever words a spec
//! says it.

use std::collections::BTreeMap;

use xxhash_rust::xxh3::xxh3_64;

use crate::ir::attr::Attr;
use crate::ir::axis::AxisKind;
use crate::ir::copy::Copy;
use crate::ir::graph::{Def, Graph, Item, Node, NodeId, ValueId};
use crate::ir::op::Fault;

use super::Goal;

/// Operations of two operands that give the same number either way round, also in their last bit.
const COMMUTATIVE: &[&str] = &["add", "and", "contract", "dot", "eq", "mul", "ne", "or"];

/// What operands are ordered by: few axes before many, narrow before wide, what is computed early before what is computed
/// late; then by what computes them. Names do not count, but for those of inputs, which a spec cannot choose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    axes: usize,
    width: u32,
    depth: u32,
    form: u64,
}

/// Copies axes first, in their order, which is that of rows; then what each loss, output and effect needs.
pub fn order(graph: &Graph, _: Goal) -> Result<Graph, Fault> {
    let ranks = ranks(graph);
    let mut copy = Copy::new(graph);
    for &item in graph.order() {
        if let Item::Axis(axis) = item {
            if let AxisKind::Sub { condition, .. } = graph.axis(axis).kind {
                with_operands(&mut copy, &ranks, condition)?;
            }
            copy.item(item)?;
        }
    }
    let roots = graph.losses().iter().chain(graph.outputs()).map(|root| root.value);
    for root in roots {
        with_operands(&mut copy, &ranks, root)?;
    }
    for effect in graph.effects() {
        let targets = effect.targets.iter().map(|&target| graph.param(target).value);
        for value in effect.operands.iter().copied().chain(targets) {
            with_operands(&mut copy, &ranks, value)?;
        }
    }
    // What nothing asks for goes last; it is for another pass to drop it.
    for (value, _) in graph.values() {
        with_operands(&mut copy, &ranks, value)?;
    }
    copy.finish()
}

/// Copies a value after everything that it needs. A stack of its own, since a graph may be deeper than a thread's.
fn with_operands(copy: &mut Copy, ranks: &BTreeMap<ValueId, Rank>, root: ValueId) -> Result<(), Fault> {
    let mut open = vec![root];
    while let Some(&value) = open.last() {
        if copy.has(value) {
            open.pop();
            continue;
        }
        match copy.from.value(value).def {
            Def::Input(id) => copy.item(Item::Input(id))?,
            Def::Param(id) => copy.item(Item::Param(id))?,
            Def::Node { node: id, .. } => {
                let node = copy.from.node(id);
                let operands = ordered(node, ranks);
                let before = open.len();
                open.extend(operands.iter().rev().filter(|&&operand| !copy.has(operand)));
                if open.len() == before {
                    place(copy, id, &operands)?;
                }
            }
        }
    }
    Ok(())
}

/// A node's operands in order of rank, if they may be exchanged.
fn ordered(node: &Node, ranks: &BTreeMap<ValueId, Rank>) -> Vec<ValueId> {
    let mut operands = node.operands.clone();
    if operands.len() == 2 && COMMUTATIVE.contains(&node.op.name()) {
        operands.sort_by_key(|operand| ranks.get(operand));
    }
    operands
}

fn place(copy: &mut Copy, id: NodeId, operands: &[ValueId]) -> Result<(), Fault> {
    let node = copy.from.node(id);
    if operands == node.operands {
        return copy.node(id);
    }
    copy.at(node);
    let operands: Vec<ValueId> = operands.iter().map(|&operand| copy.value(operand)).collect();
    let attrs = copy.attrs(&node.attrs);
    let new = copy.to.one(node.op, &operands, attrs)?;
    copy.replace_named(node.results[0], new);
    Ok(())
}

fn ranks(graph: &Graph) -> BTreeMap<ValueId, Rank> {
    let mut ranks: BTreeMap<ValueId, Rank> = BTreeMap::new();
    for (id, value) in graph.values() {
        let (depth, form) = match value.def {
            Def::Input(_) => (0, xxh3_64(value.name.as_bytes())),
            Def::Param(param) => (0, xxh3_64(format!("{:?}", graph.param(param).init).as_bytes())),
            Def::Node { node, result } => {
                let node = graph.node(node);
                let operands: Vec<Rank> =
                    ordered(node, &ranks).iter().filter_map(|operand| ranks.get(operand)).copied().collect();
                let depth = operands.iter().map(|rank| rank.depth + 1).max().unwrap_or(0);
                (depth, form(node, result, &operands))
            }
        };
        let rank = Rank { axes: value.ty.space.axes().len(), width: value.ty.width, depth, form };
        ranks.insert(id, rank);
    }
    ranks
}

/// A number that is the same for the same operation of the same operands, whatever they are called. Texts and axes are
/// names; that two values differ in nothing else is rare, and then they stay in the order of the spec.
fn form(node: &Node, result: usize, operands: &[Rank]) -> u64 {
    let told = node.attrs.iter().filter(|(_, attr)| !matches!(attr, Attr::Axes(_) | Attr::Text(_) | Attr::Body(_)));
    let told: Vec<_> = told.collect();
    xxh3_64(format!("{} {result} {told:?} {operands:?}", node.op.name()).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::FileId;
    use crate::ir::read::read;
    use crate::prim::REGISTRY;

    /// The graph of some lines after the pass, without its first and last line.
    fn ordered_lines(lines: &str) -> Vec<String> {
        let text = format!("model m {{ axis B: batch axis history: ragged of B {lines} }}");
        let graph = read(&text, FileId(0), REGISTRY).unwrap();
        let text = order(&graph, Goal::Predict).unwrap().to_string();
        text.lines().map(|line| line.trim().to_owned()).filter(|line| line.starts_with(['%', 'i', 'p'])).collect()
    }

    #[test]
    fn a_score_stands_before_the_values_that_it_weighs() {
        let words = |product: &str| {
            ordered_lines(&format!(
                "input %keys: f32[B, history, 4] input %score: f32[B, history, 1]
                %weighed: f32[B, history, 4] = mul({product}) output x = %weighed"
            ))
        };
        let one = words("%keys, %score");
        assert_eq!(one, words("%score, %keys"));
        assert_eq!(one[2], "%weighed: f32[B, history, 4] = mul(%score, %keys)");
    }

    #[test]
    fn what_is_needed_first_stands_first_and_differences_keep_their_sign() {
        let lines = ordered_lines(
            "input %q: f32[B, 4] input %k: f32[B, history, 4]
            %product: f32[B, history, 4] = mul(%k, %q)
            %difference: f32[B, history, 4] = sub(%k, %q)
            %both: f32[B, history, 8] = concat(%difference, %product)
            output x = %both",
        );
        let names: Vec<&str> = lines.iter().map(|line| line.split(':').next().unwrap()).collect();
        assert_eq!(names, ["input %k", "input %q", "%difference", "%product", "%both"]);
        assert!(lines[2].ends_with("sub(%k, %q)") && lines[3].ends_with("mul(%q, %k)"), "{lines:?}");
    }

    #[test]
    fn a_deep_graph_needs_no_deep_stack() {
        let mut lines = "input %a: f32[B, 1] %x.0: f32[B, 1] = neg(%a)".to_owned();
        for i in 1..20_000 {
            lines.push_str(&format!("\n%x.{i}: f32[B, 1] = neg(%x.{})", i - 1));
        }
        assert_eq!(ordered_lines(&format!("{lines} output x = %x.19999")).len(), 20_001);
    }
}
