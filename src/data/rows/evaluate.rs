//! A chunk of a source: filtered, joined, evaluated, and added to the columns without its broken rows.

use super::Rows;
use super::codebook::Codebooks;
use super::lists::ListValues;
use super::values::{ChunkValues, TWO_PARTS, labels_of, times_of, with_labels};
use crate::data::bind::{Binding, Columns, Name};
use crate::data::eval::{Fault, Frame, eval, names};
use crate::data::join::Joined;
use crate::data::plan::{Origin, Plan, SourcePlan, SplitPlan};
use crate::data::source::Chunk;
use crate::expr::ast::Expr;
use crate::syntax::spec::JoinMissing;

/// What is computed of the rows of a source.
#[derive(Clone, Debug, Default)]
pub(crate) struct Task {
    /// Features of the row itself.
    pub(crate) features: Vec<usize>,
    /// Columns whose texts are numbered as keys.
    pub(crate) keys: Vec<String>,
    /// Columns kept as raw numbers.
    pub(crate) numbers: Vec<String>,
    /// Axes of which these rows are events.
    pub(crate) axes: Vec<usize>,
    /// Axes that these rows list.
    pub(crate) lists: Vec<usize>,
    /// Labels, outcomes, what is downsampled, and conditions of parts.
    pub(crate) labels: bool,
    /// Whether the time is read.
    pub(crate) time: bool,
    /// Every row gives a row: filters and joins that drop do not apply.
    pub(crate) serving: bool,
    /// The rows are what a user had before, and nothing is asked of them that only a sample has.
    pub(crate) past: bool,
}

impl Task {
    /// The names that rows of the source at a place are asked for.
    pub(crate) fn names(&self, plan: &Plan, place: usize) -> Vec<Name> {
        let source = &plan.sources[place];
        let mut found: Vec<Name> = Vec::new();
        let mut add = |expr: &Expr| found.extend(names(expr).into_iter().map(|(name, span)| (name.to_string(), span)));
        let samples = &plan.samples;
        self.features.iter().flat_map(|&feature| &plan.features[feature].values).for_each(&mut add);
        if self.labels {
            samples.labels.iter().for_each(|label| add(&label.is));
            if let (SplitPlan::Where(parts), false) = (&samples.split, self.past) {
                parts.iter().for_each(|(_, expr)| add(expr));
            }
        }
        source.filter.iter().filter(|_| !self.serving).for_each(&mut add);
        let here = |axis: &usize| matches!(plan.axes[*axis].origin, Origin::Events { source, .. } if source == place);
        let filters = self.axes.iter().copied().filter(here).filter_map(|axis| filter(plan, axis));
        let filters = filters.chain(
            samples.downsample.iter().filter(|_| self.labels && !self.past).map(|downsample| &downsample.filter),
        );
        let is_label = |name: &str| self.labels && samples.labels.iter().any(|label| label.name.name == name);
        for (name, span) in filters.flat_map(names).filter(|(name, _)| !is_label(name)) {
            found.push((name.to_string(), span));
        }
        if self.labels && !self.past {
            found.extend(samples.outcomes.iter().chain(&samples.keys).map(|name| (name.name.clone(), name.span)));
            if let SplitPlan::LeaveOneOut(of) | SplitPlan::Random { of: Some(of), .. } = &samples.split {
                found.push((of.name.clone(), of.span));
            }
        }
        found.extend(self.keys.iter().chain(&self.numbers).map(|name| (name.clone(), source.span)));
        for &axis in &self.lists {
            if let Origin::Lists { columns, times, .. } = &plan.axes[axis].origin {
                let lists = columns.iter().map(|(_, list)| list).chain(times);
                found.extend(lists.map(|list| (list.name.clone(), list.span)));
            }
        }
        found.extend(source.time.iter().filter(|_| self.time).map(|time| (time.column.name.clone(), time.column.span)));
        found
    }
}

/// Which rows of its source an axis takes.
fn filter(plan: &Plan, axis: usize) -> Option<&Expr> {
    match &plan.axes[axis].origin {
        Origin::Events { filter, .. } => filter.as_ref(),
        _ => None,
    }
}

/// Why a row is no row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// It cannot be read as what the spec makes of it.
    Broken(String),
    /// Its key is not in a joined source that must have it.
    Miss { join: usize },
    /// Conditions of two parts hold.
    TwoParts,
}

/// What happened to the rows of a source.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    /// Left out by the source's `where`.
    pub(crate) filtered: u64,
    /// By join of the plan: rows without a match.
    pub(crate) misses: Vec<u64>,
    /// Left out for want of a match.
    pub(crate) dropped: u64,
    /// Rows whose keys were looked up, those left out for it included.
    pub(crate) looked_up: u64,
}

/// A source being read for a task.
pub(crate) struct Reading<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) task: &'a Task,
    /// The source's place in the plan.
    pub(crate) place: usize,
    pub(crate) source: &'a SourcePlan,
    pub(crate) binding: Binding,
    /// How the elements of each listed axis find their names, in the order of the task.
    pub(crate) lists: Vec<Binding>,
    /// By source of the plan.
    pub(crate) joined: &'a [Joined],
    /// The part that all rows are of, where files make the parts.
    pub(crate) part: Option<u8>,
}

impl Reading<'_> {
    /// Adds the rows of a chunk; what is wrong comes back by line. Rows that the spec leaves out leave the chunk too.
    pub(crate) fn add(
        &self,
        chunk: &mut Chunk,
        rows: &mut Rows,
        codebooks: &mut Codebooks,
        counts: &mut Counts,
    ) -> Vec<(u64, Wrong)> {
        let mut wrong = Vec::new();
        if !self.task.serving {
            self.sift(chunk, counts, &mut wrong);
        }
        let columns = Columns::of(chunk);
        let (found, misses) = self.binding.join(self.plan, &columns, self.joined);
        counts.misses.resize(self.plan.joins.len(), 0);
        counts.looked_up += columns.rows as u64;
        for (used, misses) in self.binding.joins.iter().zip(&misses) {
            counts.misses[used.join] += misses.len() as u64;
            if !self.task.serving && self.plan.joins[used.join].missing == JoinMissing::Error {
                wrong.extend(misses.iter().map(|&row| (chunk.lines[row as usize], Wrong::Miss { join: used.join })));
            }
        }
        let frame = self.with_clock(self.binding.frame(self.plan, &columns, &found, self.joined));
        let mut faults = Vec::new();
        let times = times_of(self, &frame, &mut faults);
        let frame = Frame { sample_time: times.as_deref(), step_time: times.as_deref(), ..frame };
        let labels = labels_of(self, &frame, &mut faults);
        let labelled = with_labels(self.plan, &labels, &frame);
        let values = ChunkValues::of(self, &frame, &labelled, &labels, codebooks, &mut faults);
        let lists = ListValues::cut(self, &frame, &mut faults);
        let listed = lists.features(self, codebooks, &mut faults);

        let mut keep = vec![true; frame.rows];
        for Fault { row, what } in first_of_each(faults) {
            keep[row] = false;
            wrong.push((chunk.lines[row], Wrong::Broken(what)));
        }
        for row in (0..frame.rows).filter(|&row| values.parts[row] == TWO_PARTS) {
            keep[row] = false;
            wrong.push((chunk.lines[row], Wrong::TwoParts));
        }
        let keep: Vec<u32> = (0..frame.rows as u32).filter(|&row| keep[row as usize]).collect();
        values.append(self, &chunk.rows, &keep, rows, codebooks);
        lists.append(self, &listed, &keep, rows, codebooks);
        wrong
    }

    /// Leaves out the rows that the source's `where` or a join without a match leaves out.
    fn sift(&self, chunk: &mut Chunk, counts: &mut Counts, wrong: &mut Vec<(u64, Wrong)>) {
        let drops = |join: usize| self.plan.joins[join].missing == JoinMissing::Drop;
        if self.source.filter.is_none() && !self.binding.joins.iter().any(|used| drops(used.join)) {
            return;
        }
        let columns = Columns::of(chunk);
        let (found, misses) = self.binding.join(self.plan, &columns, self.joined);
        let mut keep = vec![true; columns.rows];
        if let Some(filter) = &self.source.filter {
            let mut faults = Vec::new();
            let frame = self.with_clock(self.binding.frame(self.plan, &columns, &found, self.joined));
            let truths = eval(filter, &frame, &mut faults).truths(columns.rows, &mut faults);
            for (keep, truth) in keep.iter_mut().zip(truths) {
                *keep = truth == Some(true);
            }
            counts.filtered += keep.iter().filter(|keep| !**keep).count() as u64;
            for Fault { row, what } in first_of_each(faults) {
                wrong.push((chunk.lines[row], Wrong::Broken(what)));
                counts.filtered -= u64::from(!std::mem::replace(&mut keep[row], false));
            }
        }
        counts.misses.resize(self.plan.joins.len(), 0);
        for (used, misses) in self.binding.joins.iter().zip(&misses).filter(|(used, _)| drops(used.join)) {
            for &row in misses {
                if std::mem::replace(&mut keep[row as usize], false) {
                    counts.dropped += 1;
                    counts.looked_up += 1;
                    counts.misses[used.join] += 1;
                }
            }
        }
        let kept: Vec<u32> = (0..columns.rows as u32).filter(|&row| keep[row as usize]).collect();
        if kept.len() < columns.rows {
            chunk.keep(&kept);
        }
    }

    /// Adds how the source's times are read.
    pub(super) fn with_clock<'a>(&'a self, frame: Frame<'a>) -> Frame<'a> {
        Frame { clock: self.source.time.as_ref().map(|time| (time.column.name.as_str(), &time.clock)), ..frame }
    }
}

/// The first fault of each row, rows ascending.
fn first_of_each(mut faults: Vec<Fault>) -> Vec<Fault> {
    faults.sort_by_key(|fault| fault.row);
    faults.dedup_by_key(|fault| fault.row);
    faults
}
