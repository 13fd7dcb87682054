//! Stages that move rows: to another axis, between axes and width, to the end of a sequence.

use crate::ir::graph::{Graph, Node};
use crate::prim::arrangement::NOWHERE;

use super::super::kernels::operand::Rows;
use super::block::{Block, Read};
use super::stage::Stage;

/// Operations that `prim::arrangement` answers for, alphabetical.
pub(super) const ARRANGED: &[&str] = &[
    "append",
    "flatten",
    "following",
    "merge",
    "preceding",
    "select",
    "split",
    "twin",
    "unflatten",
    "unselect",
    "without_last",
];

/// The stage of a node that moves rows.
pub(super) fn find(graph: &Graph, node: &Node) -> Option<Stage> {
    let name = node.op.name();
    let result = graph.ty(node.results[0]);
    if node.operands.iter().any(|&operand| !graph.ty(operand).is_float()) {
        return None;
    }
    if ARRANGED.contains(&name) {
        let own = graph.ty(node.operands[0]).width as usize;
        let width = result.width as usize;
        // Both are whole numbers of parts, and one of them is one part.
        let part = own.min(width).max(1);
        return Some(Box::new(move |block, out| arrange(block, part, own / part, out)));
    }
    let width = result.width as usize;
    match name {
        "first" => Some(Box::new(move |block, out| at_end(block, false, width, out))),
        "last" => Some(Box::new(move |block, out| at_end(block, true, width, out))),
        "first_row" => groups_have_samples(graph, node).then(|| rows_at_end(false, width)),
        "last_row" => groups_have_samples(graph, node).then(|| rows_at_end(true, width)),
        _ => None,
    }
}

/// Whether the rows that a node takes together are of one sample.
pub(super) fn groups_have_samples(graph: &Graph, node: &Node) -> bool {
    let taken = super::super::plan::groups(graph, node);
    !taken.is_empty() && taken.iter().all(|(_, to)| graph.axes().batch_of(to).is_some())
}

fn arrange(block: &Block, part: usize, parts_of_operand: usize, out: &mut [f32]) {
    let Some(x) = block.reads.first() else { return };
    let (data, base) = (x.floats(), x.base * parts_of_operand);
    for (at, (out, &place)) in out.chunks_exact_mut(part).zip(block.places).enumerate() {
        match (place, block.reads.get(1)) {
            (NOWHERE, None) => out.fill(0.0),
            (NOWHERE, Some(other)) => out.copy_from_slice(row(other, at)),
            (place, _) => {
                let from = (place as usize - base) * part;
                out.copy_from_slice(&data[from..from + part]);
            }
        }
    }
}

/// The row of an operand beside row `at` of the stage.
fn row<'a>(read: &Read<'a>, at: usize) -> &'a [f32] {
    let place = match read.rows {
        Rows::All => at,
        Rows::One => 0,
        Rows::Map(map) => map[at] as usize,
    };
    &read.floats()[place * read.width..(place + 1) * read.width]
}

/// The first or the last row of each row of the result, among those where the condition holds.
fn at_end(block: &Block, last: bool, width: usize, out: &mut [f32]) {
    let Some(x) = block.reads.first() else { return };
    out.fill(0.0);
    if width == 0 {
        return;
    }
    let mut found = vec![false; out.len()];
    for (at, x) in x.floats().chunks_exact(width).enumerate() {
        let group = match block.to_result {
            Rows::Map(map) => map[at] as usize,
            Rows::All => at,
            Rows::One => 0,
        };
        let columns = group * width..(group + 1) * width;
        let condition = block.reads.get(1).map(|condition| row(condition, at));
        let cells = out[columns.clone()].iter_mut().zip(&mut found[columns]).zip(x).enumerate();
        for (column, ((out, found), &x)) in cells {
            let holds = condition.is_none_or(|c| c[if c.len() == 1 { 0 } else { column }] != 0.0);
            if holds && (last || !*found) {
                (*out, *found) = (x, true);
            }
        }
    }
}

fn rows_at_end(last: bool, width: usize) -> Stage {
    Box::new(move |block, out| {
        let (Some(c), [groups]) = (block.reads.first(), block.groups) else { return };
        let mut end = vec![usize::MAX; block.group_count * width];
        for (at, &c) in c.floats().iter().enumerate() {
            let place = &mut end[groups[at / width] as usize * width + at % width];
            if c != 0.0 && (last || *place == usize::MAX) {
                *place = at;
            }
        }
        out.fill(0.0);
        end.into_iter().filter(|&at| at != usize::MAX).for_each(|at| out[at] = 1.0);
    })
}
