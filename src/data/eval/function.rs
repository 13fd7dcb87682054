//! The functions of data expressions, one table.

use super::check::Kind;
use super::finite;
use super::value::{Cells, Fault, Values};
use crate::data::texts::Texts;
use crate::data::time::Clock;

/// A function.
pub(crate) struct Function {
    /// Its name.
    pub(crate) name: &'static str,
    /// The fewest and the most arguments.
    pub(crate) arity: (usize, usize),
    /// What each argument must be; none: anything.
    pub(crate) takes: Option<Kind>,
    /// What it gives.
    pub(crate) gives: Kind,
    /// How it runs.
    pub(crate) run: Run,
}

/// How a function runs.
pub(crate) enum Run {
    /// Number by number; null stays null, and so becomes what is not finite.
    Each(fn(f64) -> f64),
    /// Over its arguments, left to right; null if one is.
    Fold(fn(f64, f64) -> f64),
    /// A part of a local date.
    Clock(fn(&Clock, f64) -> f64),
    IsNull,
    Length,
    Lower,
}

const fn each(name: &'static str, run: fn(f64) -> f64) -> Function {
    Function { name, arity: (1, 1), takes: Some(Kind::Number), gives: Kind::Number, run: Run::Each(run) }
}

const fn fold(name: &'static str, run: fn(f64, f64) -> f64) -> Function {
    Function { name, arity: (1, 16), takes: Some(Kind::Number), gives: Kind::Number, run: Run::Fold(run) }
}

const fn part(name: &'static str, run: fn(&Clock, f64) -> f64) -> Function {
    Function { name, arity: (1, 1), takes: Some(Kind::Number), gives: Kind::Number, run: Run::Clock(run) }
}

const fn other(name: &'static str, takes: Option<Kind>, gives: Kind, run: Run) -> Function {
    Function { name, arity: (1, 1), takes, gives, run }
}

/// Every function, in alphabetical order.
pub(crate) const FUNCTIONS: &[Function] = &[
    each("abs", f64::abs),
    part("day", Clock::day),
    each("exp", f64::exp),
    each("floor", f64::floor),
    part("hour", Clock::hour),
    other("is_null", None, Kind::Bool, Run::IsNull),
    other("length", Some(Kind::Text), Kind::Number, Run::Length),
    each("log", f64::ln),
    each("log1p", f64::ln_1p),
    each("log2", f64::log2),
    other("lower", Some(Kind::Text), Kind::Text, Run::Lower),
    fold("max", |a, b| if a < b { b } else { a }),
    fold("min", |a, b| if b < a { b } else { a }),
    each("round", f64::round),
    each("sqrt", f64::sqrt),
    part("weekday", Clock::weekday),
];

/// Runs a function that looks at nothing but its arguments.
pub(super) fn call<'a>(run: &Run, args: Vec<Values<'a>>, rows: usize, faults: &mut Vec<Fault>) -> Values<'a> {
    let Some(first) = args.first() else { return Values::Null };
    match run {
        Run::Each(run) => Values::Numbers(first.numbers(rows, faults).into_iter().map(|x| finite(run(x))).collect()),
        Run::Fold(run) => {
            let mut result = first.numbers(rows, faults);
            for arg in &args[1..] {
                let arg = arg.numbers(rows, faults);
                for (a, b) in result.iter_mut().zip(arg) {
                    *a = if a.is_nan() || b.is_nan() { f64::NAN } else { run(*a, b) };
                }
            }
            Values::Numbers(result)
        }
        Run::IsNull => {
            let null = |row: usize| match first {
                Values::Null => true,
                Values::Numbers(values) => values.get(row).is_none_or(|value| value.is_nan()),
                Values::Truths(values) => values.get(row).is_none_or(Option::is_none),
                Values::Texts { cells, .. } => cells.get(row).is_none(),
            };
            Values::Truths((0..rows).map(|row| Some(null(row))).collect())
        }
        Run::Length => {
            let length = |row| first.text(row).map_or(f64::NAN, |text| text.chars().count() as f64);
            Values::Numbers((0..rows).map(length).collect())
        }
        Run::Lower => {
            let mut texts = Texts::default();
            (0..rows).for_each(|row| texts.push(first.text(row).map(str::to_lowercase).as_deref()));
            Values::Texts { column: None, cells: Cells::Made(texts) }
        }
        Run::Clock(_) => Values::Null,
    }
}
