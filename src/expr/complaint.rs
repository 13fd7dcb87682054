//! What the parser's errors say: the fact, what was expected, and a way out where a habit of another language explains the slip.

use super::grammar::{Rule, word};
use crate::diag::Diagnostic;
use crate::diag::offset::OffsetMap;
use pest::error::{Error, ErrorVariant, InputLocation};

/// Slips with a known way out: what stands at the error (or just around it), and what to write.
const HABITS: &[(&str, &str)] = &[
    ("&&", "write `and`"),
    ("||", "write `or`"),
    ("**", "write `^` for a power"),
    ("<>", "write `!=`"),
    ("//", "write `floor(a / b)` for a whole quotient"),
    ("!", "write `not`"),
    ("?", "write `if(condition, a, b)`"),
    ("=", "write `==` to compare; `name=value` stands only between the parentheses of a call"),
    ("{", "a braced `{name}` stands in paths only; in an expression write the name alone"),
    ("->", "write `|>` to hand a value on"),
    ("|>", "a value stands on both sides of `|>`"),
    ("|", "write `|>` to hand a value on, or `or` between conditions"),
];

/// Turns the parser's error into a finding.
pub(super) fn complain(text: &str, map: &OffsetMap, error: &Error<Rule>) -> Diagnostic {
    let at = match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at.min(text.len()),
    };
    let (found, len) = found(text, at);
    let expected = match &error.variant {
        ErrorVariant::ParsingError { positives, .. } => expected(positives),
        ErrorVariant::CustomError { message } => message.clone(),
    };
    let own_digit = text.get(at..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let digit = if own_digit && expected.starts_with("a value") { Some(at) } else { number_before(text, at) };
    if let Some(start) = digit {
        let word = text.get(start..at + len).unwrap_or("");
        return Diagnostic::new("E0109", format!("`{word}` is neither a number nor a name"))
            .at(map.span(start, at + len), "")
            .help("a duration is `3d`, `4h`, `30m` or `10s`; a name does not start with a digit");
    }
    let mut finding =
        Diagnostic::new("E0109", format!("expected {expected}, found {found}")).at(map.span(at, at + len), "");
    if let Some(opened) = unclosed(text, at) {
        finding = finding.at(map.span(opened, opened + 1), "opened here");
    }
    match habit(text, at) {
        Some(help) => finding.help(help),
        None => finding,
    }
}

/// Where a number starts that ends right before letters at `at`.
fn number_before(text: &str, at: usize) -> Option<usize> {
    text.get(at..)?.chars().next().filter(|c| c.is_alphanumeric() || *c == '_')?;
    let before = text.get(..at)?;
    let digits = before.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    (digits.len() < at && !digits.ends_with(|c: char| c.is_alphanumeric() || c == '_')).then_some(digits.len())
}

fn expected(rules: &[Rule]) -> String {
    let mut words: Vec<&str> = Vec::new();
    for rule in rules {
        let word = word(*rule);
        if !words.contains(&word) {
            words.push(word);
        }
    }
    // Where a value may stand, a name or a bracket may; where an operator may, so may `.` and the `(` of a call.
    let (has_value, has_operator) = (words.contains(&"a value"), words.contains(&"an operator"));
    words.retain(|word| {
        !(has_value && matches!(*word, "a name" | "`(`") || has_operator && matches!(*word, "`.`" | "`(`"))
    });
    match words.split_last() {
        None => "a value".to_owned(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

/// What stands at the error, and its length: a word, or one character.
fn found(text: &str, at: usize) -> (String, usize) {
    let rest = text.get(at..).unwrap_or("");
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let word: usize = rest.chars().take_while(|c| is_word(*c)).map(char::len_utf8).sum();
    let len = if word > 0 { word } else { rest.chars().next().map_or(0, char::len_utf8) };
    match rest.get(..len) {
        None | Some("") => ("the end of the expression".to_owned(), 0),
        Some("`") => ("a backtick".to_owned(), 1),
        Some(found) => (format!("`{found}`"), len),
    }
}

/// The innermost bracket still open at the end, if the end is where the error is.
fn unclosed(text: &str, at: usize) -> Option<usize> {
    if !text.get(at..)?.trim().is_empty() {
        return None;
    }
    let mut open = Vec::new();
    super::parse::each_bracket(text, |offset, bracket| match bracket {
        '(' | '[' => open.push(offset),
        _ => {
            open.pop();
        }
    });
    open.pop()
}

fn habit(text: &str, at: usize) -> Option<&'static str> {
    // The second sign of a pair may be where the parser stopped, since the first alone is an operator.
    let before = text.get(..at)?.char_indices().next_back().map_or(at, |(offset, _)| offset);
    let near = |sign: &str| {
        text.get(at..).is_some_and(|rest| rest.starts_with(sign))
            || sign.len() == 2 && text.get(before..).is_some_and(|rest| rest.starts_with(sign))
    };
    HABITS.iter().find(|(sign, _)| near(sign)).map(|(_, help)| *help)
}
