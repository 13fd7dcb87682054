//! What a cloze is outside training: the last element of each sequence is hidden and no other. Where that element was
//! appended, which is how a target stands behind its history, it is not even read.

use crate::ir::copy::Copy;
use crate::ir::graph::{Graph, Item, Node, ValueId};
use crate::ir::op::Fault;
use crate::ir::types::Elem;
use crate::prim::make;

use super::Goal;

/// Replaces `cloze`.
pub fn reveal(graph: &Graph, _: Goal) -> Result<Graph, Fault> {
    let mut copy = Copy::new(graph);
    for &item in graph.order() {
        match item {
            Item::Node(id) if graph.node(id).op.name() == "cloze" => hide_last(&mut copy, graph.node(id))?,
            item => copy.item(item)?,
        }
    }
    copy.finish()
}

fn hide_last(copy: &mut Copy, node: &Node) -> Result<(), Fault> {
    let attrs = copy.attrs(&node.attrs);
    let over = attrs.axis("over").ok_or_else(|| Fault::new("E0399", "a cloze without an axis"))?;
    copy.at(node);
    let ids = match copy.from.producer(node.operands[0]) {
        Some(append) if append.op.name() == "append" && copy.from.ty(node.operands[0]).space.axes().len() > 1 => {
            appended_unknown(copy, append, over, node.operands[0])?
        }
        _ => copy.value(node.operands[0]),
    };
    let mask = u32::try_from(attrs.int("mask")).unwrap_or(0);
    let found = make::hide_last(&mut copy.to, ids, over, mask)?;
    for (&old, new) in node.results.iter().zip(found) {
        copy.replace_named(old, new);
    }
    Ok(())
}

/// The ids behind an `append`, with an unknown one in the place of the last.
fn appended_unknown(
    copy: &mut Copy,
    append: &Node,
    over: crate::ir::axis::AxisId,
    ids: ValueId,
) -> Result<ValueId, Fault> {
    let attrs = copy.attrs(&append.attrs);
    let last = copy.value(append.operands[1]);
    let ty = copy.to.ty(last).clone();
    match (&ty.elem, attrs.axis("of"), attrs.axis("as")) {
        (Elem::Id(vocabulary), Some(of), Some(as_)) if as_ == over => {
            let unknown = make::unknown(&mut copy.to, &ty.space, vocabulary)?;
            let first = copy.value(append.operands[0]);
            make::append(&mut copy.to, first, unknown, of, as_)
        }
        _ => Ok(copy.value(ids)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pass::prune::prune;
    use crate::prim::check::graph;

    #[test]
    fn the_target_behind_a_history_is_not_read() {
        let model = graph(
            "axis h: ragged(3) of B
            axis s: append of h
            input %old: id<movie>[B, h] = feature(movie) along h
            input %next: id<movie>[B] = target(movie)
            %ids: id<movie>[B, s] = append(%old, %next) {as: s, of: h}
            %tokens: id<movie>[B, s], %chosen: bool[B, s] = cloze(%ids) {last: 0.1, mask: 0, over: s, rate: 0.2, stream: \"c\"}
            %known: bool[B, s] = is_candidate(%tokens) {from: 1}
            output known = %known",
        );
        let revealed = prune(&reveal(&model, Goal::Predict).unwrap(), Goal::Predict).unwrap();
        let text = revealed.to_string();
        assert!(text.contains("hide_last") && !text.contains("cloze") && !text.contains("target(movie)"), "{text}");
    }
}
