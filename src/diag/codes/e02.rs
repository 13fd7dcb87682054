//! E02xx: names and the structure of a spec.

use super::Explanation;

pub(super) const CODES: &[Explanation] = &[];
