//! E06xx: training, runs and artifacts.

use super::Explanation;

pub(super) const CODES: &[Explanation] = &[];
