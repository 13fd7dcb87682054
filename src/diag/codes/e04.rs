//! E04xx: leaks, and checks of the data section.

use super::Explanation;

pub(super) const CODES: &[Explanation] = &[];
