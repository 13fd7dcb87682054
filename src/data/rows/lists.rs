//! List columns of a row become elements: rows of their own, side by side, oldest first.

use super::Rows;
use super::codebook::Codebooks;
use super::evaluate::Reading;
use super::values::{Found, append, features};
use crate::data::bind::{Binding, Columns};
use crate::data::eval::{Fault, Frame};
use crate::data::plan::{AxisPlan, Origin};
use crate::data::texts::{Texts, items};
use crate::data::time::Clock;

/// The elements that the rows of a chunk list, by axis.
pub(super) struct ListValues {
    cuts: Vec<Cut>,
    /// By axis: the rows that joins find for the elements.
    found: Vec<Vec<Vec<u32>>>,
}

impl ListValues {
    /// Cuts the lists of every axis of the task.
    pub(super) fn cut(reading: &Reading, frame: &Frame, faults: &mut Vec<Fault>) -> ListValues {
        let clock = reading.source.time.as_ref().map(|time| &time.clock);
        let axes = reading.task.lists.iter().map(|&axis| &reading.plan.axes[axis]).zip(&reading.lists);
        let cuts: Vec<Cut> = axes.map(|(axis, binding)| cut(axis, &binding.own, frame, clock, faults)).collect();
        let join = |(cut, binding): (&Cut, &Binding)| binding.join(reading.plan, &cut.as_columns(), reading.joined).0;
        let found = cuts.iter().zip(&reading.lists).map(join).collect();
        ListValues { cuts, found }
    }

    /// The features of the elements, by axis. A broken element breaks its row.
    pub(super) fn features<'a>(
        &'a self,
        reading: &'a Reading,
        codebooks: &Codebooks,
        faults: &mut Vec<Fault>,
    ) -> Vec<Vec<Found<'a>>> {
        let mut listed = Vec::new();
        for ((cut, found), (binding, &axis)) in
            self.cuts.iter().zip(&self.found).zip(reading.lists.iter().zip(&reading.task.lists))
        {
            let frame = binding.frame(reading.plan, &cut.as_columns(), found, reading.joined);
            let frame = reading.with_clock(Frame {
                sample_time: cut.sample_times.as_deref(),
                step_time: cut.times.as_deref(),
                ..frame
            });
            let mut inner = Vec::new();
            listed.push(features(reading.plan, &reading.plan.axes[axis].features, &frame, codebooks, &mut inner));
            faults.extend(inner.into_iter().map(|fault| Fault { row: cut.row_of(fault.row), ..fault }));
        }
        listed
    }

    /// Adds the elements of the rows to keep.
    pub(super) fn append(
        &self,
        reading: &Reading,
        listed: &[Vec<Found>],
        keep: &[u32],
        rows: &mut Rows,
        codebooks: &mut Codebooks,
    ) {
        for ((column, cut), (found, &axis)) in
            rows.lists.iter_mut().zip(&self.cuts).zip(listed.iter().zip(&reading.task.lists))
        {
            for &row in keep {
                column.count += cut.range(row as usize).len() as u64;
                column.ends.push(column.count);
            }
            let kept: Vec<u32> = keep.iter().flat_map(|&row| cut.range(row as usize)).map(|at| at as u32).collect();
            if let Some(times) = &cut.times {
                kept.iter().for_each(|&at| column.times.push(times[at as usize]));
            }
            let forms = reading.plan.axes[axis].features.iter().map(|&feature| &reading.plan.features[feature].form);
            for ((column, form), found) in column.features.iter_mut().zip(forms).zip(found) {
                append(column, form, found, &kept, codebooks);
            }
        }
    }
}

/// The elements of some rows.
#[derive(Debug, Default)]
struct Cut {
    /// Where each row's elements end.
    ends: Vec<usize>,
    /// The columns that elements stand in for, in the order asked for.
    columns: Vec<Texts>,
    /// Their times, if they are listed.
    times: Option<Vec<f64>>,
    /// The time of the row of each.
    sample_times: Option<Vec<f64>>,
}

/// Cuts the lists of an axis into the columns `wanted`. Rows whose lists differ in length are broken.
fn cut(axis: &AxisPlan, wanted: &[String], frame: &Frame, clock: Option<&Clock>, faults: &mut Vec<Fault>) -> Cut {
    let Origin::Lists { columns, times, newest_first, separator } = &axis.origin else { return Cut::default() };
    let lists: Vec<&str> = columns.iter().map(|(_, list)| list).chain(times).map(|list| list.name.as_str()).collect();
    let mut cut = Cut {
        columns: vec![Texts::default(); columns.len()],
        times: times.is_some().then(Vec::new),
        sample_times: frame.sample_time.is_some().then(Vec::new),
        ends: Vec::with_capacity(frame.rows),
    };
    let mut count = 0;
    for row in 0..frame.rows {
        let cell = |name: &&str| cell(frame, name, row);
        let mut found: Vec<Vec<&str>> = lists
            .iter()
            .map(|list| cell(list).map(|cell| items(cell, separator.as_deref()).collect()).unwrap_or_default())
            .collect();
        let length = found.first().map_or(0, Vec::len);
        if let Some(at) = found.iter().position(|list| list.len() != length) {
            let (first, other) = (lists[0], lists[at]);
            let what = format!(
                "expected as many elements in `{other}` as the {length} in `{first}`, found {}",
                found[at].len()
            );
            faults.push(Fault { row, what });
            cut.ends.push(count);
            continue;
        }
        let kept = length.min(axis.last as usize);
        for list in &mut found {
            if *newest_first {
                list.reverse();
            }
            list.drain(..length - kept);
        }
        for (column, list) in cut.columns.iter_mut().zip(&found) {
            list.iter().for_each(|item| column.push(Some(*item).filter(|item| !item.is_empty())));
        }
        if let (Some(times), Some(list)) = (&mut cut.times, found.last()) {
            for item in list {
                let seconds = clock.and_then(|clock| clock.seconds(item));
                times.push(seconds.unwrap_or(f64::NAN));
                if seconds.is_none() {
                    faults.push(Fault {
                        row,
                        what: format!("expected times in `{}`, found `{item}`", lists[lists.len() - 1]),
                    });
                }
            }
        }
        if let (Some(times), Some(all)) = (&mut cut.sample_times, frame.sample_time) {
            times.extend(std::iter::repeat_n(all.get(row).copied().unwrap_or(f64::NAN), kept));
        }
        count += kept;
        cut.ends.push(count);
    }
    let place = |name: &String| columns.iter().position(|(column, _)| column == name);
    cut.columns = wanted.iter().map(|name| place(name).map(|at| cut.columns[at].clone()).unwrap_or_default()).collect();
    cut
}

fn cell<'a>(frame: &Frame<'a>, name: &str, row: usize) -> Option<&'a str> {
    let (_, column) = frame.columns.iter().find(|(known, _)| *known == name)?;
    crate::data::join::text(*column, row)
}

impl Cut {
    fn as_columns(&self) -> Columns<'_> {
        Columns { rows: self.ends.last().copied().unwrap_or(0), own: &self.columns }
    }

    /// The elements of a row.
    fn range(&self, row: usize) -> std::ops::Range<usize> {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        start..self.ends[row]
    }

    /// The row of an element.
    fn row_of(&self, element: usize) -> usize {
        self.ends.partition_point(|&end| end <= element)
    }
}
