//! Data expressions over the columns of a chunk. Null spreads; `and`, `or`, `not` have three values; a column is a text until
//! something needs a number or a truth value of it, and a text that is none then makes its row a broken one.

mod check;
mod function;
mod value;

pub(crate) use check::{Kind, Scope, check, fits, names};
use value::MapNumbers;
pub(crate) use value::{Cells, Fault, Values, times};

use super::texts::Texts;
use super::time::Clock;
use crate::expr::ast::{BinaryOp, Expr, ExprKind, UnaryOp};
use function::{FUNCTIONS, Run};

/// The value behind a name.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Column<'a> {
    /// Texts of the rows themselves.
    Own(&'a Texts),
    /// Texts of a joined source, and the row there by row here; past its end where the key was not found.
    Joined(&'a Texts, &'a [u32]),
    /// Numbers; NaN is null.
    Numbers(&'a [f64]),
    /// Truth values.
    Truths(&'a [Option<bool>]),
}

/// What an expression sees.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frame<'a> {
    /// How many rows.
    pub(crate) rows: usize,
    /// Columns by name; the first of a name counts.
    pub(crate) columns: Vec<(&'a str, Column<'a>)>,
    /// `sample.time` by row.
    pub(crate) sample_time: Option<&'a [f64]>,
    /// `step.time` by row.
    pub(crate) step_time: Option<&'a [f64]>,
    /// The time column and how it is read, for `hour` and the like.
    pub(crate) clock: Option<(&'a str, &'a Clock)>,
}

/// The value of an expression in every row. Rows that are broken, and why, are added to `faults`; their value is null.
pub(crate) fn eval<'a>(expr: &'a Expr, frame: &Frame<'a>, faults: &mut Vec<Fault>) -> Values<'a> {
    let rows = frame.rows;
    match &expr.kind {
        ExprKind::Number(value) => Values::Numbers(vec![*value; rows]),
        ExprKind::Bool(value) => Values::Truths(vec![Some(*value); rows]),
        ExprKind::Text(text) => Values::Texts { column: None, cells: Cells::Constant(text) },
        ExprKind::Name(name) => column(name, frame),
        ExprKind::Member(object, member) => time(object, &member.name, frame),
        ExprKind::Unary(UnaryOp::Neg, x) => eval(x, frame, faults).numbers(rows, faults).map_numbers(|x| -x),
        ExprKind::Unary(UnaryOp::Not, x) => {
            let truths = eval(x, frame, faults).truths(rows, faults);
            Values::Truths(truths.into_iter().map(|x| x.map(|x| !x)).collect())
        }
        ExprKind::Binary(op, a, b) => {
            let (a, b) = (eval(a, frame, faults), eval(b, frame, faults));
            binary(*op, a, b, rows, faults)
        }
        ExprKind::If(condition, yes, no) => {
            let condition = eval(condition, frame, faults).truths(rows, faults);
            let (yes, no) = (eval(yes, frame, faults), eval(no, frame, faults));
            choose(&condition, yes, no, faults)
        }
        ExprKind::Call { callee, args, .. } => {
            let Some(function) = FUNCTIONS.iter().find(|function| function.name == callee.name) else {
                return Values::Null;
            };
            if let (Run::Clock(run), Some(arg)) = (&function.run, args.first()) {
                return clock(*run, &arg.value, frame, faults);
            }
            let values: Vec<Values<'a>> = args.iter().map(|arg| eval(&arg.value, frame, faults)).collect();
            function::call(&function.run, values, rows, faults)
        }
        ExprKind::Null | ExprKind::List(_) => Values::Null,
    }
}

fn column<'a>(name: &'a str, frame: &Frame<'a>) -> Values<'a> {
    let cells = match frame.columns.iter().find(|(other, _)| *other == name) {
        None => return Values::Null,
        Some((_, Column::Numbers(values))) => return Values::Numbers(values.to_vec()),
        Some((_, Column::Truths(values))) => return Values::Truths(values.to_vec()),
        Some((_, Column::Own(texts))) => Cells::Own(texts),
        Some((_, Column::Joined(texts, rows))) => Cells::Joined(texts, rows),
    };
    Values::Texts { column: Some(name), cells }
}

fn time<'a>(object: &Expr, member: &str, frame: &Frame<'a>) -> Values<'a> {
    let times = match &object.kind {
        ExprKind::Name(name) if name == "sample" && member == "time" => frame.sample_time,
        ExprKind::Name(name) if name == "step" && member == "time" => frame.step_time,
        _ => None,
    };
    times.map_or(Values::Null, |times| Values::Numbers(times.to_vec()))
}

/// `hour(x)` and the like: of the time column in its unit, of another column as seconds or a date, of a number as seconds.
fn clock<'a>(run: fn(&Clock, f64) -> f64, arg: &'a Expr, frame: &Frame<'a>, faults: &mut Vec<Fault>) -> Values<'a> {
    let plain = Clock { unit: None, zone: frame.clock.map(|(_, clock)| clock.zone.clone()).unwrap_or_default() };
    let values = eval(arg, frame, faults);
    let times = match &values {
        Values::Texts { column: Some(name), cells } => {
            let clock = frame.clock.filter(|(column, _)| column == name).map_or(&plain, |(_, clock)| clock);
            value::times(name, cells, clock, frame.rows, faults)
        }
        _ => values.numbers(frame.rows, faults),
    };
    Values::Numbers(times.into_iter().map(|time| if time.is_nan() { time } else { run(&plain, time) }).collect())
}

fn binary<'a>(op: BinaryOp, a: Values<'a>, b: Values<'a>, rows: usize, faults: &mut Vec<Fault>) -> Values<'a> {
    match op {
        BinaryOp::And => three_valued(a.truths(rows, faults), b.truths(rows, faults), false),
        BinaryOp::Or => three_valued(a.truths(rows, faults), b.truths(rows, faults), true),
        BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => {
            value::compare(op, a, b, rows, faults)
        }
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem | BinaryOp::Pow => {
            let (a, b) = (a.numbers(rows, faults), b.numbers(rows, faults));
            Values::Numbers(a.iter().zip(&b).map(|(&a, &b)| finite(arithmetic(op, a, b))).collect())
        }
    }
}

fn arithmetic(op: BinaryOp, a: f64, b: f64) -> f64 {
    match op {
        BinaryOp::Add => a + b,
        BinaryOp::Sub => a - b,
        BinaryOp::Mul => a * b,
        BinaryOp::Div => a / b,
        // The remainder has the sign of the divisor: hours before an event count down from the end of the day.
        BinaryOp::Rem => a.rem_euclid(b),
        _ => a.powf(b),
    }
}

/// `decisive` is what decides alone: false for `and`, true for `or`.
fn three_valued<'a>(a: Vec<Option<bool>>, b: Vec<Option<bool>>, decisive: bool) -> Values<'a> {
    let pairs = a.into_iter().zip(b);
    Values::Truths(
        pairs
            .map(|pair| match pair {
                (Some(a), Some(b)) => Some(if decisive { a || b } else { a && b }),
                (Some(one), None) | (None, Some(one)) if one == decisive => Some(decisive),
                _ => None,
            })
            .collect(),
    )
}

fn choose<'a>(condition: &[Option<bool>], yes: Values<'a>, no: Values<'a>, faults: &mut Vec<Fault>) -> Values<'a> {
    let rows = condition.len();
    match (yes, no) {
        (Values::Null, Values::Null) => Values::Null,
        (yes @ (Values::Texts { .. } | Values::Null), no @ (Values::Texts { .. } | Values::Null)) => {
            let mut texts = Texts::default();
            for (row, condition) in condition.iter().enumerate() {
                texts.push(condition.and_then(|condition| if condition { yes.text(row) } else { no.text(row) }));
            }
            Values::Texts { column: None, cells: Cells::Made(texts) }
        }
        (yes @ Values::Truths(_), no) | (yes, no @ Values::Truths(_)) => {
            let (yes, no) = (yes.truths(rows, faults), no.truths(rows, faults));
            let pick = |(row, condition): (usize, &Option<bool>)| if (*condition)? { yes[row] } else { no[row] };
            Values::Truths(condition.iter().enumerate().map(pick).collect())
        }
        (yes, no) => {
            let (yes, no) = (yes.numbers(rows, faults), no.numbers(rows, faults));
            let pick = |(row, condition): (usize, &Option<bool>)| match condition {
                None => f64::NAN,
                Some(true) => yes[row],
                Some(false) => no[row],
            };
            Values::Numbers(condition.iter().enumerate().map(pick).collect())
        }
    }
}

/// What is not a finite number is null: the logarithm of 0, a division by 0.
fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { f64::NAN }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::data::zone::Zone;
    use crate::diag::offset::OffsetMap;
    use crate::diag::{Diags, FileId};

    /// Parses an expression.
    pub(crate) fn parse(text: &str) -> Expr {
        crate::expr::parse::parse(text, &OffsetMap::straight(FileId(0), 0, text.len())).unwrap()
    }

    fn texts(cells: &[&str]) -> Texts {
        let mut texts = Texts::default();
        cells.iter().for_each(|cell| texts.push((*cell != "-").then_some(cell)));
        texts
    }

    /// Each row as a text, `-` for null, over columns a (numbers), s (texts), b (truth values), t (milliseconds).
    fn run(text: &str) -> (Vec<String>, Vec<Fault>) {
        let (a, s, b) = (texts(&["2", "-", "007"]), texts(&["pv", "Buy", "-"]), texts(&["true", "0", "-"]));
        let t = texts(&["0", "3600000", "-"]);
        let clock = Clock { unit: Some(1e-3), zone: Zone::default() };
        let frame = Frame {
            rows: 3,
            columns: vec![
                ("a", Column::Own(&a)),
                ("s", Column::Own(&s)),
                ("b", Column::Own(&b)),
                ("t", Column::Own(&t)),
            ],
            sample_time: Some(&[10.0, 20.0, f64::NAN]),
            step_time: Some(&[4.0, 20.0, 5.0]),
            clock: Some(("t", &clock)),
        };
        let expr = parse(text);
        let mut faults = Vec::new();
        let values = eval(&expr, &frame, &mut faults);
        let mut buffer = String::new();
        let rows = (0..3).map(|row| values.id(row, &mut buffer).unwrap_or("-").to_string()).collect();
        (rows, faults)
    }

    fn kind(text: &str) -> Result<Kind, String> {
        let mut diags = Diags::default();
        let name = |name: &str| ["a", "b", "s", "t"].contains(&name).then_some(Kind::Column);
        let kind = check(&parse(text), &Scope { name: &name, times: true }, &mut diags);
        kind.ok_or_else(|| {
            diags.list().iter().map(|d| format!("{} {}", d.code, d.title)).collect::<Vec<_>>().join("; ")
        })
    }

    #[test]
    fn values_are_what_they_are_by_hand() {
        for (text, expected) in [
            ("a + 1", ["3", "-", "8"]),
            ("-a ^ 2", ["-4", "-", "-49"]),
            ("log(a - 2)", ["-", "-", "1.6094379124341003"]),
            ("a / (a - 2)", ["-", "-", "1.4"]),
            ("a % 4", ["2", "-", "3"]),
            ("a >= 4", ["false", "-", "true"]),
            ("a == 7", ["false", "-", "true"]),
            ("s == \"pv\"", ["true", "false", "-"]),
            ("s < \"C\"", ["false", "true", "-"]),
            ("lower(s)", ["pv", "buy", "-"]),
            ("length(s)", ["2", "3", "-"]),
            ("not b", ["false", "true", "-"]),
            ("b or a > 5", ["true", "-", "true"]),
            ("b and a > 5", ["false", "false", "-"]),
            ("is_null(a)", ["false", "true", "false"]),
            ("if(b, a, 9)", ["2", "9", "-"]),
            ("if(is_null(s), \"none\", s)", ["pv", "Buy", "none"]),
            ("if(is_null(s), null, b)", ["true", "0", "-"]),
            ("max(a, 3, 1)", ["3", "-", "7"]),
            ("hour(t)", ["0", "1", "-"]),
            ("weekday(t)", ["3", "3", "-"]),
            ("day(86400)", ["2", "2", "2"]),
            ("sample.time - step.time", ["6", "0", "-"]),
            ("a == a", ["true", "-", "true"]),
            ("b == true", ["true", "false", "-"]),
            ("round(a / 4) + floor(a / 4) + abs(0 - a)", ["3", "-", "10"]),
        ] {
            assert_eq!(run(text), (expected.map(String::from).to_vec(), vec![]), "{text}");
        }
    }

    #[test]
    fn a_text_that_is_no_number_breaks_its_row() {
        let faults = |row, what: &str| vec![Fault { row, what: what.into() }];
        assert_eq!(run("s + 1").1[..1], faults(0, "expected a number in column `s`, found `pv`"));
        assert_eq!(run("not a").1, {
            let what = "expected true, false, 1 or 0 in column `a`, found";
            [faults(0, &format!("{what} `2`")), faults(2, &format!("{what} `007`"))].concat()
        });
        assert_eq!(run("a < s").1.len(), 2, "two columns are ordered as numbers");
        assert_eq!(run("a == s").1, [], "but equal as texts");
    }

    #[test]
    fn wrong_kinds_are_found_before_any_row() {
        assert_eq!(kind("log(1 + a)"), Ok(Kind::Number));
        assert_eq!(kind("if(a > 1, s, \"x\") == \"x\" and not b"), Ok(Kind::Bool));
        assert_eq!(kind("if(b, null, a)"), Ok(Kind::Column));
        for (text, expected) in [
            ("a + \"x\"", "E0452 expected a number, found a text"),
            (
                "(a > 1) + (b == 2)",
                "E0452 expected a number, found a truth value; E0452 expected a number, found a truth value",
            ),
            ("a and 3", "E0452 expected a truth value, found a number"),
            ("a == null", "E0452 a comparison with null is always null"),
            ("1 == \"x\"", "E0452 only values of one kind compare, found a number and a text"),
            ("if(b, 1, \"x\")", "E0452 both branches of `if` must be of one kind, found a number and a text"),
            ("lgo(a)", "E0453 there is no function `lgo` in data expressions"),
            ("log(a, 2)", "E0453 `log` takes 1 unnamed argument(s), found 2"),
            ("a.b", "E0453 `a.b` means nothing in this data expression"),
            ("[1]", "E0452 a data expression has one value per row, found a list"),
        ] {
            assert_eq!(kind(text), Err(expected.into()), "{text}");
        }
    }
}
