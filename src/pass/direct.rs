//! Without a gradient to sum by row, nothing needs the distinct rows of a table: a lookup reads the table itself.

use crate::ir::copy::rewrite;
use crate::ir::graph::{Graph, Node, ValueId};
use crate::ir::op::Fault;
use crate::prim::make;

use super::Goal;

/// Replaces `gather(fetch(table), locate(id))`.
pub fn direct(graph: &Graph, _: Goal) -> Result<Graph, Fault> {
    rewrite(graph, |copy, node| {
        let Some([table, id]) = lookup(graph, node) else { return Ok(false) };
        let (table, id) = (copy.value(table), copy.value(id));
        let Some(&rows) = copy.to.ty(table).space.axes().first() else { return Ok(false) };
        let places = make::locate(&mut copy.to, id, rows)?;
        let found = make::gather(&mut copy.to, table, places)?;
        copy.replace_named(node.results[0], found);
        Ok(true)
    })
}

/// The table and the ids that a node looks up.
fn lookup(graph: &Graph, gather: &Node) -> Option<[ValueId; 2]> {
    let &[rows, places] = gather.operands.as_slice() else { return None };
    let by = |value: ValueId, op: &str| graph.producer(value).filter(|node| node.op.name() == op);
    let (fetch, locate) = (by(rows, "fetch")?, by(places, "locate")?);
    (gather.op.name() == "gather").then_some([fetch.operands[0], locate.operands[0]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pass::prune::prune;
    use crate::prim::check::graph;

    #[test]
    fn a_lookup_reads_its_table() {
        let graph = graph(
            "axis t!: distinct rows of t axis |t|: rows of t table @t: f32[|t|, 2] = 0 input %id: id<t>[B]
             %rows: f32[t!, 2] = fetch(@t) {to: t!} %places: index<t!>[B] = locate(%id) {to: t!}
             %x: f32[B, 2] = gather(%rows, %places) output x = %x",
        );
        let text = prune(&direct(&graph, Goal::Predict).unwrap(), Goal::Predict).unwrap().to_string();
        assert!(text.contains("%x: f32[B, 2] = gather(@t, %x.locate)") && !text.contains("fetch"), "{text}");
    }
}
