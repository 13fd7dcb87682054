//! Values by row, and how a text becomes a number or a truth value.

use std::fmt::Write;

use super::finite;
use crate::data::texts::Texts;
use crate::data::time::Clock;
use crate::expr::ast::BinaryOp;

/// A row that is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Which row of the frame.
    pub(crate) row: usize,
    /// Expected before found.
    pub(crate) what: String,
}

/// The value of an expression in every row.
#[derive(Clone, Debug)]
pub(crate) enum Values<'a> {
    /// Null in every row.
    Null,
    /// Numbers; NaN is null.
    Numbers(Vec<f64>),
    /// Truth values.
    Truths(Vec<Option<bool>>),
    /// Texts. Those of a raw column, whose name stands here, turn into numbers or truth values where one is needed.
    Texts {
        /// The raw column.
        column: Option<&'a str>,
        /// Its cells.
        cells: Cells<'a>,
    },
}

/// Where texts stand.
#[derive(Clone, Debug)]
pub(crate) enum Cells<'a> {
    /// The same in every row.
    Constant(&'a str),
    /// By row.
    Own(&'a Texts),
    /// By row of a joined source.
    Joined(&'a Texts, &'a [u32]),
    /// Computed.
    Made(Texts),
}

impl Cells<'_> {
    /// The text of a row.
    pub(crate) fn get(&self, row: usize) -> Option<&str> {
        match self {
            Cells::Constant(text) => Some(text),
            Cells::Own(texts) => texts.get(row),
            Cells::Joined(texts, rows) => texts.get(*rows.get(row)? as usize),
            Cells::Made(texts) => texts.get(row),
        }
    }
}

impl<'a> Values<'a> {
    /// The text of a row, where the values are texts.
    pub(crate) fn text(&self, row: usize) -> Option<&str> {
        match self {
            Values::Texts { cells, .. } => cells.get(row),
            _ => None,
        }
    }

    /// The value of a row as the text that an id is compared by; `buffer` holds it where it must be made.
    pub(crate) fn id<'b>(&'b self, row: usize, buffer: &'b mut String) -> Option<&'b str> {
        buffer.clear();
        match self {
            Values::Null => return None,
            Values::Texts { cells, .. } => return cells.get(row),
            Values::Truths(values) => buffer.push_str(if (*values.get(row)?)? { "true" } else { "false" }),
            Values::Numbers(values) => {
                let value = *values.get(row)?;
                if value.is_nan() {
                    return None;
                }
                // A whole number is written without a point, as an integer column writes it; -0 is 0.
                let _ = write!(buffer, "{}", value + 0.0);
            }
        }
        Some(buffer)
    }

    /// As numbers, NaN for null.
    pub(crate) fn numbers(&self, rows: usize, faults: &mut Vec<Fault>) -> Vec<f64> {
        match self {
            Values::Null => vec![f64::NAN; rows],
            Values::Numbers(values) => values.clone(),
            Values::Truths(values) => {
                values.iter().map(|value| value.map_or(f64::NAN, |value| f64::from(u8::from(value)))).collect()
            }
            Values::Texts { column, cells } => {
                let mut parse = |row| {
                    let Some(text) = cells.get(row) else { return f64::NAN };
                    number(text).unwrap_or_else(|| fault(row, "a number", *column, text, faults))
                };
                (0..rows).map(&mut parse).collect()
            }
        }
    }

    /// As truth values; texts are `true`, `false`, `1` or `0`.
    pub(crate) fn truths(&self, rows: usize, faults: &mut Vec<Fault>) -> Vec<Option<bool>> {
        match self {
            Values::Null => vec![None; rows],
            Values::Truths(values) => values.clone(),
            Values::Numbers(values) => values.iter().map(|value| (!value.is_nan()).then_some(*value != 0.0)).collect(),
            Values::Texts { column, cells } => {
                let mut parse = |row| {
                    let text = cells.get(row)?;
                    let value = truth(text);
                    if value.is_none() {
                        fault(row, "true, false, 1 or 0", *column, text, faults);
                    }
                    value
                };
                (0..rows).map(&mut parse).collect()
            }
        }
    }

    /// As numbers, texts of truth values included: what a label is.
    pub(crate) fn labels(&self, rows: usize, faults: &mut Vec<Fault>) -> Vec<f64> {
        let Values::Texts { column, cells } = self else { return self.numbers(rows, faults) };
        let mut parse = |row| {
            let Some(text) = cells.get(row) else { return f64::NAN };
            let value = number(text).or_else(|| truth(text).map(|value| f64::from(u8::from(value))));
            value.unwrap_or_else(|| fault(row, "a number or a truth value", *column, text, faults))
        };
        (0..rows).map(&mut parse).collect()
    }
}

/// Conveniences of the evaluator over bare vectors.
pub(crate) trait MapNumbers {
    /// Applies a function and keeps null where there is no finite result.
    fn map_numbers<'a>(self, run: impl Fn(f64) -> f64) -> Values<'a>;
}

impl MapNumbers for Vec<f64> {
    fn map_numbers<'a>(self, run: impl Fn(f64) -> f64) -> Values<'a> {
        Values::Numbers(self.into_iter().map(|x| finite(run(x))).collect())
    }
}

/// The times that a column says.
pub(crate) fn times(name: &str, cells: &Cells, clock: &Clock, rows: usize, faults: &mut Vec<Fault>) -> Vec<f64> {
    let mut parse = |row| {
        let Some(text) = cells.get(row) else { return f64::NAN };
        clock.seconds(text).unwrap_or_else(|| fault(row, clock.expects(), Some(name), text, faults))
    };
    (0..rows).map(&mut parse).collect()
}

/// Compares by row: texts with texts by their letters, anything with a number as numbers. Two raw columns are equal if
/// their texts are, as ids are, but which of them is less only their numbers say.
pub(crate) fn compare<'a>(
    op: BinaryOp,
    a: Values<'a>,
    b: Values<'a>,
    rows: usize,
    faults: &mut Vec<Fault>,
) -> Values<'a> {
    let equality = matches!(op, BinaryOp::Eq | BinaryOp::Ne);
    let result = match (&a, &b) {
        (Values::Null, _) | (_, Values::Null) => return Values::Null,
        (Values::Texts { column: left, .. }, Values::Texts { column: right, .. })
            if equality || left.is_none() || right.is_none() =>
        {
            (0..rows).map(|row| Some(holds(op, a.text(row)?.cmp(b.text(row)?)))).collect()
        }
        (Values::Truths(_), _) | (_, Values::Truths(_)) => {
            let (a, b) = (a.truths(rows, faults), b.truths(rows, faults));
            a.into_iter().zip(b).map(|(a, b)| Some(holds(op, a?.cmp(&b?)))).collect()
        }
        _ => {
            let (a, b) = (a.numbers(rows, faults), b.numbers(rows, faults));
            a.iter().zip(&b).map(|(a, b)| a.partial_cmp(b).map(|order| holds(op, order))).collect()
        }
    };
    Values::Truths(result)
}

fn holds(op: BinaryOp, order: std::cmp::Ordering) -> bool {
    match op {
        BinaryOp::Eq => order.is_eq(),
        BinaryOp::Ne => order.is_ne(),
        BinaryOp::Lt => order.is_lt(),
        BinaryOp::Le => order.is_le(),
        BinaryOp::Gt => order.is_gt(),
        _ => order.is_ge(),
    }
}

/// A number as it stands in a file; `nan` is null, which is how most programs write a missing float.
pub(crate) fn number(text: &str) -> Option<f64> {
    text.trim().parse::<f64>().ok().filter(|value| !value.is_infinite())
}

fn truth(text: &str) -> Option<bool> {
    const WORDS: &[(&str, bool)] =
        &[("true", true), ("false", false), ("1", true), ("0", false), ("1.0", true), ("0.0", false)];
    let text = text.trim();
    WORDS.iter().find(|(word, _)| text.eq_ignore_ascii_case(word)).map(|(_, value)| *value)
}

fn fault(row: usize, expected: &str, column: Option<&str>, found: &str, faults: &mut Vec<Fault>) -> f64 {
    let place = column.map(|name| format!(" in column `{name}`")).unwrap_or_default();
    let shown: String = found.chars().take(40).collect();
    let more = if shown.len() < found.len() { "..." } else { "" };
    faults.push(Fault { row, what: format!("expected {expected}{place}, found `{shown}{more}`") });
    f64::NAN
}
