//! W0xxx: warnings; the command goes on.

use super::Explanation;

pub(super) const CODES: &[Explanation] = &[];
