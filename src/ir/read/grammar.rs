//! The parser that pest makes of `grammar/ir.pest`, and what its errors say.

use pest::Parser;
use pest::error::{ErrorVariant, InputLocation};
use pest::iterators::Pairs;

use crate::diag::{Diagnostic, FileId, Span};

#[derive(pest_derive::Parser)]
#[grammar = "grammar/ir.pest"]
pub(super) struct IrParser;

/// Most braces inside each other, since the parser recurses for each.
const MAX_DEPTH: usize = 16;

/// A whole text as pieces, or the first thing that is no item.
pub(super) fn parse(text: &str, file: FileId) -> Result<Pairs<'_, Rule>, Diagnostic> {
    if let Some(at) = too_deep(text) {
        let title = format!("more than {MAX_DEPTH} braces stand inside each other");
        return Err(Diagnostic::new("E0330", title).at(Span::new(file, at, at + 1), ""));
    }
    IrParser::parse(Rule::graph, text).map_err(|error| {
        let at = match error.location {
            InputLocation::Pos(at) | InputLocation::Span((at, _)) => at.min(text.len()),
        };
        let found = text.get(at..).unwrap_or("").split_whitespace().next();
        let len = found.map_or(0, str::len);
        let found = found.map_or("the end of the text".to_owned(), |word| format!("`{word}`"));
        let expected = match &error.variant {
            ErrorVariant::ParsingError { positives, .. } => expected(positives),
            ErrorVariant::CustomError { message } => message.clone(),
        };
        Diagnostic::new("E0330", format!("expected {expected}, found {found}")).at(Span::new(file, at, at + len), "")
    })
}

/// Whether a text is a path of words and numbers, `interest.hidden.0.w`, that begins with a word.
pub(in crate::ir) fn is_path(text: &str) -> bool {
    matches(Rule::path_alone, text)
}

/// Whether a text can be the name of an axis: a path, `|table|`, `table!`, or `axis|condition`.
pub(in crate::ir) fn is_axis_name(text: &str) -> bool {
    matches(Rule::axis_name_alone, text)
}

fn matches(rule: Rule, text: &str) -> bool {
    // The rule skips blanks around the name, which are no part of it.
    !text.contains([' ', '\t', '\r', '\n', ';']) && IrParser::parse(rule, text).is_ok()
}

/// Rules that were tried, as words; those that say the same share one.
fn expected(rules: &[Rule]) -> String {
    let mut words: Vec<&str> = Vec::new();
    for &rule in rules {
        let word = match rule {
            Rule::axis | Rule::param | Rule::input | Rule::update | Rule::loss | Rule::output | Rule::node => "an item",
            Rule::role | Rule::result => "an item",
            Rule::value | Rule::operand => "`%value`",
            Rule::param_name => "`@parameter`",
            Rule::axis_name => "an axis",
            Rule::number | Rule::whole | Rule::matrix => "a number",
            Rule::element | Rule::type_text => "a type",
            Rule::init | Rule::source | Rule::word | Rule::name | Rule::path | Rule::text | Rule::call => "a name",
            Rule::close => "`}`",
            Rule::colon => "`:`",
            Rule::equal => "`=`",
            Rule::lines => "`{`",
            Rule::operands => "`(`",
            Rule::EOI => "the end",
            _ => "another text",
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    match words.split_last() {
        None => "another text".to_owned(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

/// Where a brace opens too many levels, texts and comments left out.
fn too_deep(text: &str) -> Option<usize> {
    let (mut depth, mut in_text, mut in_comment, mut escaped) = (0usize, false, false, false);
    for (at, c) in text.char_indices() {
        match c {
            '\n' => in_comment = false,
            _ if in_comment => {}
            _ if escaped => escaped = false,
            '\\' if in_text => escaped = true,
            '"' => in_text = !in_text,
            _ if in_text => {}
            ';' => in_comment = true,
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Some(at);
        }
    }
    None
}
