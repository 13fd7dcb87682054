//! E05xx: data at run time.

use super::Explanation;

pub(super) const CODES: &[Explanation] = &[];
