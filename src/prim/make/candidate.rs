//! Candidates: the rows of a whole table.

use crate::ir::attr::Attrs;
use crate::ir::axis::AxisId;
use crate::ir::build::Builder;
use crate::ir::graph::ValueId;
use crate::ir::op::Fault;
use crate::ir::types::Space;
use crate::prim::{candidate, unknown};

/// The unknown id for each row of a space.
pub fn unknown(to: &mut Builder, of: &Space, vocabulary: &str) -> Result<ValueId, Fault> {
    let attrs = Attrs::none().with("of", of.axes().to_vec()).with("vocabulary", vocabulary);
    to.one(&unknown::Unknown, &[], attrs)
}

/// Whether an id is none of the rows before `from`.
pub fn is_candidate(to: &mut Builder, ids: ValueId, from: i64) -> Result<ValueId, Fault> {
    to.one(&candidate::IsCandidate, &[ids], Attrs::none().with("from", from))
}

/// The rank of the target among all candidates, of operands (hidden, table, target, then places seen and a bias at will).
pub fn rank(to: &mut Builder, operands: &[ValueId], from: i64) -> Result<ValueId, Fault> {
    to.one(&candidate::Rank, operands, Attrs::none().with("from", from))
}

/// Places and scores of the best candidates along `as_`, of operands (hidden, table, then places seen and a bias at will).
pub fn best(to: &mut Builder, operands: &[ValueId], from: i64, as_: AxisId) -> Result<[ValueId; 2], Fault> {
    super::sequence::pair(to.op(&candidate::Best, operands, Attrs::none().with("from", from).with("as", as_))?)
}
