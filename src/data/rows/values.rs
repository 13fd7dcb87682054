//! The values of a chunk's rows, computed all at once; then those of the rows that turned out whole are added to the columns.

use super::codebook::{Codebook, Codebooks};
use super::evaluate::Reading;
use super::{NO_PART, Raw, Rows, Writing};
use crate::data::eval::{Cells, Column, Fault, Frame, Values, eval, times};
use crate::data::plan::{Form, Origin, Plan, SplitPlan};
use crate::data::texts::elements;
use crate::expr::ast::Expr;

/// Truth values by row.
type Truths = Vec<Option<bool>>;

/// The mark of a row that is of two parts.
pub(super) const TWO_PARTS: u8 = 4;

/// A feature by row.
pub(super) enum Found<'a> {
    Ids(Values<'a>),
    /// By column of a vector, then by row.
    Numbers(Vec<Vec<f64>>),
}

/// What a task needs of the rows of a chunk, lists apart.
pub(super) struct ChunkValues<'a> {
    pub(super) parts: Vec<u8>,
    times: Option<&'a [f64]>,
    drawn: Option<Truths>,
    events: Vec<Truths>,
    keys: Vec<Values<'a>>,
    features: Vec<Found<'a>>,
    numbers: Vec<Vec<f64>>,
    labels: Vec<Vec<f64>>,
    outcomes: Vec<Vec<f64>>,
}

/// The time of every row, where the task reads it.
pub(super) fn times_of(reading: &Reading, frame: &Frame, faults: &mut Vec<Fault>) -> Option<Vec<f64>> {
    let time = reading.source.time.as_ref().filter(|_| reading.task.time)?;
    let name = &time.column.name;
    let Values::Texts { cells, .. } = by_name(frame, name) else { return Some(vec![f64::NAN; frame.rows]) };
    let found = times(name, &cells, &time.clock, frame.rows, faults);
    for row in (0..frame.rows).filter(|&row| cells.get(row).is_none()) {
        faults
            .push(Fault { row, what: format!("expected {} in column `{name}`, found nothing", time.clock.expects()) });
    }
    Some(found)
}

/// The labels of the rows, as they are.
pub(super) fn labels_of<'a>(reading: &Reading<'a>, frame: &Frame<'a>, faults: &mut Vec<Fault>) -> Vec<Labels> {
    let labels = reading.plan.samples.labels.iter().filter(|_| reading.task.labels);
    labels
        .map(|label| match eval(&label.is, frame, faults) {
            Values::Truths(values) => Labels::Truths(values),
            values => Labels::Numbers(values.labels(frame.rows, faults)),
        })
        .collect()
}

/// A label by row.
pub(super) enum Labels {
    Truths(Truths),
    Numbers(Vec<f64>),
}

/// A frame in which names of labels mean labels.
pub(super) fn with_labels<'a>(plan: &'a Plan, labels: &'a [Labels], frame: &Frame<'a>) -> Frame<'a> {
    let named = plan.samples.labels.iter().zip(labels).map(|(label, values)| {
        let column = match values {
            Labels::Truths(values) => Column::Truths(values),
            Labels::Numbers(values) => Column::Numbers(values),
        };
        (label.name.name.as_str(), column)
    });
    Frame { columns: named.chain(frame.columns.iter().copied()).collect(), ..frame.clone() }
}

impl<'a> ChunkValues<'a> {
    /// Computes them. `labelled` is the frame with labels, where the task has them.
    pub(super) fn of(
        reading: &Reading<'a>,
        frame: &Frame<'a>,
        labelled: &Frame<'a>,
        labels: &[Labels],
        codebooks: &Codebooks,
        faults: &mut Vec<Fault>,
    ) -> ChunkValues<'a> {
        let (plan, task, rows) = (reading.plan, reading.task, frame.rows);
        let mut holds = |expr: &'a Expr, frame: &Frame<'a>| eval(expr, frame, faults).truths(rows, faults);
        // What only fitting needs is not asked of a request, which may lack it.
        let fitting = task.labels && !task.past;
        let drawn = plan.samples.downsample.as_ref().filter(|_| fitting);
        let drawn = drawn.map(|downsample| holds(&downsample.filter, labelled));
        let events = task.axes.iter().map(|&axis| match &plan.axes[axis].origin {
            Origin::Events { source, .. } if *source != reading.place => vec![None; rows],
            Origin::Events { filter: Some(filter), .. } => holds(filter, labelled),
            _ => vec![Some(true); rows],
        });
        let events = events.collect();
        let parts: Vec<Truths> = match &plan.samples.split {
            SplitPlan::Where(parts) if fitting => parts.iter().map(|(_, expr)| holds(expr, frame)).collect(),
            _ => Vec::new(),
        };
        let outcomes = plan.samples.outcomes.iter().filter(|_| fitting);
        ChunkValues {
            parts: (0..rows).map(|row| part(reading, &parts, row)).collect(),
            times: frame.sample_time,
            drawn,
            events,
            keys: task.keys.iter().map(|name| by_name(frame, name)).collect(),
            outcomes: outcomes.map(|name| by_name(frame, &name.name).labels(rows, faults)).collect(),
            numbers: task.numbers.iter().map(|name| by_name(frame, name).numbers(rows, faults)).collect(),
            features: features(plan, &task.features, frame, codebooks, faults),
            labels: labels.iter().map(Labels::numbers).collect(),
        }
    }

    /// Adds the rows to keep.
    pub(super) fn append(
        &self,
        reading: &Reading,
        numbers: &[u32],
        keep: &[u32],
        rows: &mut Rows,
        codebooks: &mut Codebooks,
    ) {
        for at in keep.iter().map(|&row| row as usize) {
            rows.rows.push(numbers[at]);
            rows.parts.push(self.parts[at]);
            self.times.iter().for_each(|times| rows.times.push(times[at]));
            self.drawn.iter().for_each(|drawn| rows.drawn.push(u8::from(drawn[at] == Some(true))));
            for (column, values) in rows.events.iter_mut().zip(&self.events) {
                column.push(u8::from(values[at] == Some(true)));
            }
            rows.numbers.iter_mut().zip(&self.numbers).for_each(|(column, values)| column.push(values[at]));
            rows.outcomes.iter_mut().zip(&self.outcomes).for_each(|(column, values)| column.push(values[at] as f32));
            rows.labels.iter_mut().zip(&self.labels).for_each(|(column, values)| column.push(values[at] as f32));
        }
        let mut buffer = String::new();
        for ((column, name), values) in rows.keys.iter_mut().zip(&reading.task.keys).zip(&self.keys) {
            let codebook = codebooks.key(name);
            for &row in keep {
                column.push(values.id(row as usize, &mut buffer).map_or(0, |text| codebook.code(text)));
            }
        }
        let forms = reading.task.features.iter().map(|&feature| &reading.plan.features[feature].form);
        for ((column, form), found) in rows.features.iter_mut().zip(forms).zip(&self.features) {
            append(column, form, found, keep, codebooks);
        }
    }
}

impl Labels {
    fn numbers(&self) -> Vec<f64> {
        match self {
            Labels::Numbers(values) => values.clone(),
            Labels::Truths(values) => {
                values.iter().map(|value| value.map_or(f64::NAN, |value| f64::from(u8::from(value)))).collect()
            }
        }
    }
}

/// The part whose condition holds.
fn part(reading: &Reading, parts: &[Truths], row: usize) -> u8 {
    let (SplitPlan::Where(conditions), true) = (&reading.plan.samples.split, reading.task.labels) else {
        return reading.part.unwrap_or(NO_PART);
    };
    let mut holding = conditions.iter().zip(parts).filter(|(_, truths)| truths[row] == Some(true));
    match (holding.next(), holding.next()) {
        (None, _) => NO_PART,
        (Some(((part, _), _)), None) => *part as u8,
        (Some(_), Some(_)) => TWO_PARTS,
    }
}

fn by_name<'a>(frame: &Frame<'a>, name: &str) -> Values<'a> {
    match frame.columns.iter().find(|(known, _)| *known == name) {
        Some((name, Column::Own(texts))) => Values::Texts { column: Some(name), cells: Cells::Own(texts) },
        Some((name, Column::Joined(texts, rows))) => {
            Values::Texts { column: Some(name), cells: Cells::Joined(texts, rows) }
        }
        _ => Values::Null,
    }
}

/// Computes features; an id that its table has no row for is a fault.
pub(super) fn features<'a>(
    plan: &'a Plan,
    wanted: &[usize],
    frame: &Frame<'a>,
    codebooks: &Codebooks,
    faults: &mut Vec<Fault>,
) -> Vec<Found<'a>> {
    let mut found = Vec::new();
    for feature in wanted.iter().map(|&feature| &plan.features[feature]) {
        let mut values = feature.values.iter().map(|value| eval(value, frame, faults)).collect::<Vec<_>>();
        found.push(match &feature.form {
            Form::Id { vocabulary } => {
                let ids = values.pop().unwrap_or(Values::Null);
                refuse(&feature.name, &codebooks.vocabularies[*vocabulary], &ids, None, frame.rows, faults);
                Found::Ids(ids)
            }
            Form::Ids { vocabulary, separator, .. } => {
                let ids = values.pop().unwrap_or(Values::Null);
                let separator = Some(separator.as_deref());
                refuse(&feature.name, &codebooks.vocabularies[*vocabulary], &ids, separator, frame.rows, faults);
                Found::Ids(ids)
            }
            Form::Numbers { .. } | Form::Bucket { .. } => {
                Found::Numbers(values.iter().map(|values| values.numbers(frame.rows, faults)).collect())
            }
        });
    }
    found
}

/// Finds rows with ids that cannot be. `several` is given where a text holds several, parted by it.
fn refuse(
    feature: &str,
    codebook: &Codebook,
    ids: &Values,
    several: Option<Option<&str>>,
    rows: usize,
    faults: &mut Vec<Fault>,
) {
    if !codebook.may_refuse() {
        return;
    }
    let mut buffer = String::new();
    for row in 0..rows {
        let Some(text) = ids.id(row, &mut buffer) else { continue };
        let refused = |id: &str| {
            codebook.refuses(id).map(|expected| format!("expected {expected} as id of `{feature}`, found `{id}`"))
        };
        let what = match several {
            None => refused(text),
            Some(separator) => elements(text, separator).find_map(refused),
        };
        faults.extend(what.map(|what| Fault { row, what }));
    }
}

/// Adds the rows to keep of a feature.
pub(super) fn append(column: &mut Writing, form: &Form, found: &Found, keep: &[u32], codebooks: &mut Codebooks) {
    let mut buffer = String::new();
    match (column, form, found) {
        (Raw::Codes(codes), Form::Id { vocabulary }, Found::Ids(ids)) => {
            let codebook = &mut codebooks.vocabularies[*vocabulary];
            for &row in keep {
                codes.push(ids.id(row as usize, &mut buffer).map_or(0, |text| codebook.code(text)));
            }
        }
        (Raw::Bags { ends, codes }, Form::Ids { vocabulary, separator, max }, Found::Ids(ids)) => {
            let codebook = &mut codebooks.vocabularies[*vocabulary];
            for &row in keep {
                if let Some(text) = ids.id(row as usize, &mut buffer) {
                    let kept = elements(text, separator.as_deref()).take(max.unwrap_or(usize::MAX));
                    kept.for_each(|id| codes.push(codebook.code(id)));
                }
                ends.push(codes.len() as u64);
            }
        }
        (Raw::Numbers { values, .. }, _, Found::Numbers(columns)) => {
            for &row in keep {
                columns.iter().for_each(|column| values.push(column[row as usize]));
            }
        }
        // Forms and columns are made from the same plan.
        _ => {}
    }
}
