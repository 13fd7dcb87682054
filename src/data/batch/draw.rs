//! Draws while a batch is built: by sample, place and turn alone, so that no packing, thread or resumed run changes one.

use super::Damaged;
use crate::data::order::Turn;
use crate::data::plan::DrawPlan;
use crate::data::proposal::Proposal;
use crate::prim::philox::Stream;

/// Draws of an item that may not be drawn before the rest is enumerated. Where half of all weight is excluded, this many
/// failures in a row have a probability of 1 in 4 billion.
const ATTEMPTS: u32 = 32;

/// A draw, ready for some samples.
pub(super) struct Drawing<'a> {
    proposal: &'a Proposal,
    stream: Stream,
}

impl<'a> Drawing<'a> {
    /// `turn` says in which epoch of which run; none: the draw that never changes.
    pub(super) fn new(plan: &DrawPlan, proposal: &'a Proposal, turn: Turn) -> Drawing<'a> {
        let path = match turn {
            None => format!("draw.{}", plan.name),
            Some((seed, epoch)) => format!("draw.{}.{seed}.{epoch}", plan.name),
        };
        Drawing { proposal, stream: Stream::new(plan.seed, &path) }
    }

    /// Adds so many items of a sample, places of the proposal; fewer only where everything is excluded. `excluded` are
    /// rows of the key's vocabulary, rising; `first` is the number of the first among the draws of the sample.
    pub(super) fn draw(
        &self,
        sample: u64,
        first: u32,
        n: u32,
        excluded: &[u32],
        out: &mut Vec<u32>,
    ) -> Result<(), Damaged> {
        for place in (first..).take(n as usize) {
            let words = [sample as u32, (sample >> 32) as u32, place];
            let uniform = |attempt: u32| self.stream.uniform_at([words[0], words[1], words[2], attempt]);
            let is_free = |at: &usize| self.proposal.ids.get(*at).is_some_and(|id| excluded.binary_search(id).is_err());
            let found = (0..ATTEMPTS).map(|attempt| self.proposal.at(uniform(attempt))).find(is_free);
            match found.or_else(|| self.left(uniform(ATTEMPTS), is_free)) {
                Some(at) => out.push(u32::try_from(at).map_err(|_| Damaged)?),
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// The item that a number falls on among those that are left.
    fn left(&self, uniform: f64, is_free: impl Fn(&usize) -> bool) -> Option<usize> {
        let all = || (0..self.proposal.ids.len()).filter(&is_free);
        let total: f64 = all().map(|at| self.proposal.weight(at)).sum();
        let mut rest = uniform * total;
        let mut last = None;
        for at in all() {
            last = Some(at);
            rest -= self.proposal.weight(at);
            if rest < 0.0 {
                break;
            }
        }
        last
    }
}
