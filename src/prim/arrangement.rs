//! Where the rows of a result come from, for the operations that only move rows. The reference and the host's kernels read
//! the same answer.

use crate::ir::attr::Attrs;
use crate::ir::rows::Rows;
use crate::ir::types::Space;

use super::neighbour::Side;
use super::{append, flatten, moves, neighbour, select, split};

/// The place of a part that comes from no row.
pub const NOWHERE: u32 = u32::MAX;

/// A result as parts of its rows, each a part of a row of the first operand, or from nowhere. Parts of the two are as wide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrangement {
    /// Parts that a row of the result consists of.
    pub parts_of_result: usize,
    /// Parts that a row of the operand consists of.
    pub parts_of_operand: usize,
    /// For every part of the result, in order, the part of the operand, or [`NOWHERE`].
    pub places: Vec<u32>,
}

/// The arrangement of an operation from one space to another; none where it does more than move rows, or where a batch does
/// not fit it.
pub fn arrangement(op: &str, attrs: &Attrs, from: &Space, to: &Space, rows: &Rows) -> Option<Arrangement> {
    let pair = || Some((attrs.axis("of")?, attrs.axis("as")?));
    let whole = |places: Vec<u32>| Some(Arrangement { parts_of_result: 1, parts_of_operand: 1, places });
    match op {
        "append" => whole(append::appended(rows, (from, to), pair()?)),
        "flatten" => {
            let (places, parts) = flatten::flattened(rows, (from, to), attrs.axis("over")?)?;
            Some(Arrangement { parts_of_result: parts, parts_of_operand: 1, places })
        }
        "following" => whole(neighbour::beside(Side::Following, rows, (from, to), attrs.axis("over")?)),
        "merge" => {
            let (places, parts) = split::merged(rows, (from, to), attrs.axis("axis")?);
            Some(Arrangement { parts_of_result: parts, parts_of_operand: 1, places })
        }
        "preceding" => whole(neighbour::beside(Side::Preceding, rows, (from, to), attrs.axis("over")?)),
        "select" => whole(select::selected(rows, (from, to), pair()?)),
        "split" => {
            let (places, parts) = split::slots(rows, (to, from), attrs.axis("axis")?);
            Some(Arrangement { parts_of_result: 1, parts_of_operand: parts, places })
        }
        "twin" => whole(moves::source_rows(rows, to, from, pair()?, |own| own).to_vec()),
        "unflatten" => {
            let (places, parts) = flatten::slots(rows, (to, from), attrs.axis("over")?)?;
            Some(Arrangement { parts_of_result: 1, parts_of_operand: parts, places })
        }
        "unselect" => whole(select::unselected(rows, (from, to), pair()?)),
        "without_last" => whole(append::without_last(rows, (from, to), pair()?)),
        _ => None,
    }
}
