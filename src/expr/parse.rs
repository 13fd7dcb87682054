//! Text to [`Expr`]: pest finds the pieces, a table of precedence binds them.

use super::ast::{Arg, BinaryOp, Expr, ExprKind, Ident, Param, Signature, UnaryOp};
use super::complaint::complain;
use super::grammar::{COMPARISONS, ExpressionParser, PRECEDENCE, Rule};
use crate::diag::offset::OffsetMap;
use crate::diag::{Diagnostic, Span};
use pest::Parser;
use pest::iterators::Pair;

/// Deepest tree that is read, counted in operators and brackets from the outermost value to the innermost. Everything that walks an
/// expression may recurse, since no expression is deeper than this.
pub const MAX_DEPTH: usize = 256;

/// Most brackets inside each other; smaller than [`MAX_DEPTH`], for a bracket costs the parser a dozen calls.
const MAX_BRACKETS: usize = 64;

/// Parses an expression; `map` says where its text stands in the file.
pub fn parse(text: &str, map: &OffsetMap) -> Result<Expr, Diagnostic> {
    let reader = Reader { text, map };
    reader.expr(reader.pieces(Rule::expression)?, 0)
}

/// Parses the left side of a `blocks:` entry: `gated(query, keys, over, hidden=32)`.
pub fn parse_signature(text: &str, map: &OffsetMap) -> Result<Signature, Diagnostic> {
    let reader = Reader { text, map };
    let (mut name, mut params) = (None, Vec::<Param>::new());
    for piece in reader.pieces(Rule::signature_alone)?.into_inner() {
        match piece.as_rule() {
            Rule::name => name = Some(reader.ident(&piece)),
            Rule::parameter => params.push(reader.parameter(piece)?),
            _ => {}
        }
    }
    for (at, param) in params.iter().enumerate() {
        let before = params.get(..at).unwrap_or(&[]);
        if let Some(first) = before.iter().find(|other| other.name.name == param.name.name) {
            return Err(twice("parameter", &first.name, &param.name));
        }
        if let (None, Some(first)) = (&param.default, before.iter().find(|other| other.default.is_some())) {
            let title = format!("parameter `{}` without a default stands after one with a default", param.name.name);
            return Err(Diagnostic::new("E0113", title)
                .at(param.name.span, "")
                .at(first.name.span, "has a default")
                .help("parameters with a default come last"));
        }
    }
    let name = name.ok_or_else(|| reader.impossible())?;
    Ok(Signature { name, params })
}

/// Whether a text is a name that an expression can use.
pub fn is_name(text: &str) -> bool {
    ExpressionParser::parse(Rule::name_alone, text).is_ok_and(|pairs| pairs.as_str().trim() == text)
}

/// Calls `see` with every bracket outside texts, and its offset.
pub(crate) fn each_bracket(text: &str, mut see: impl FnMut(usize, char)) {
    let mut quote = None;
    let mut escaped = false;
    for (offset, c) in text.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '"' || c == '\'' => quote = Some(c),
            None if matches!(c, '(' | '[' | ')' | ']') => see(offset, c),
            None => {}
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    map: &'a OffsetMap,
}

impl Reader<'_> {
    /// The one pair of `rule`, once the text is known not to be nested too deep for the parser's own recursion.
    fn pieces<'a>(&'a self, rule: Rule) -> Result<Pair<'a, Rule>, Diagnostic> {
        let (mut depth, mut too_deep) = (0_usize, None);
        each_bracket(self.text, |offset, bracket| {
            depth = if matches!(bracket, '(' | '[') { depth + 1 } else { depth.saturating_sub(1) };
            if depth > MAX_BRACKETS && too_deep.is_none() {
                too_deep = Some(self.map.span(offset, offset + 1));
            }
        });
        if let Some(span) = too_deep {
            return Err(deep(span, format!("more than {MAX_BRACKETS} brackets inside each other")));
        }
        let mut pairs =
            ExpressionParser::parse(rule, self.text).map_err(|error| complain(self.text, self.map, &error))?;
        pairs.next().ok_or_else(|| self.impossible())
    }

    /// An `expr` pair; `depth` operators and brackets stand around it.
    fn expr(&self, pair: Pair<'_, Rule>, depth: usize) -> Result<Expr, Diagnostic> {
        let span = self.span(&pair);
        let mut operators = 0;
        let mut comparison: Option<Span> = None;
        for piece in pair.clone().into_inner() {
            operators += usize::from(is_operator(piece.as_rule()));
            match piece.as_rule() {
                rule if COMPARISONS.contains(&rule) => {
                    if let Some(first) = comparison.replace(self.span(&piece)) {
                        return Err(Diagnostic::new("E0109", "comparisons do not chain")
                            .at(self.span(&piece), "second comparison")
                            .at(first, "first comparison")
                            .help("write `a < b and b < c`"));
                    }
                }
                Rule::and | Rule::or | Rule::pipe => comparison = None,
                _ => {}
            }
        }
        let depth = depth + operators + 1;
        if depth > MAX_DEPTH {
            return Err(deep(span, format!("more than {MAX_DEPTH} operators and brackets inside each other")));
        }
        PRECEDENCE
            .map_primary(|piece| self.term(piece, depth))
            .map_prefix(|piece, value| {
                let value = value?;
                let op = if piece.as_rule() == Rule::not { UnaryOp::Not } else { UnaryOp::Neg };
                let span = self.span(&piece).to(value.span);
                Ok(Expr { kind: ExprKind::Unary(op, Box::new(value)), span })
            })
            .map_postfix(|value, piece| {
                let value = value?;
                let span = value.span.to(self.span(&piece));
                let member = piece.into_inner().next().ok_or_else(|| self.impossible())?;
                Ok(Expr { kind: ExprKind::Member(Box::new(value), self.ident(&member)), span })
            })
            .map_infix(|left, piece, right| self.infix(left?, &piece, right?))
            .parse(pair.into_inner())
    }

    fn infix(&self, left: Expr, piece: &Pair<'_, Rule>, right: Expr) -> Result<Expr, Diagnostic> {
        let span = left.span.to(right.span);
        let Some(op) = binary_op(piece.as_rule()) else { return self.pipe(left, piece, right) };
        Ok(Expr { kind: ExprKind::Binary(op, Box::new(left), Box::new(right)), span })
    }

    /// `left |> right`: left becomes the first argument.
    fn pipe(&self, left: Expr, piece: &Pair<'_, Rule>, right: Expr) -> Result<Expr, Diagnostic> {
        let span = left.span.to(right.span);
        // A group is no call, although the tree does not show its parentheses any more.
        let grouped = piece
            .as_span()
            .get_input()
            .get(piece.as_span().end()..)
            .is_some_and(|rest| rest.trim_start().starts_with('('));
        let mut args = vec![Arg { name: None, value: left }];
        let callee = match right.kind {
            ExprKind::Name(name) if !grouped => Ident { name, span: right.span },
            ExprKind::Call { callee, args: own, piped: false } if !grouped => {
                args.extend(own);
                callee
            }
            _ => {
                return Err(Diagnostic::new("E0109", "the right side of `|>` is no call")
                    .at(right.span, "expected a call such as `mlp([200, 80])` or the name of a function")
                    .at(self.span(piece), "")
                    .help(
                        "`|>` binds weakest: to go on with its result, put it into parentheses, `(x |> linear(1)) * 2`",
                    ));
            }
        };
        Ok(Expr { kind: ExprKind::Call { callee, args, piped: true }, span })
    }

    fn term(&self, pair: Pair<'_, Rule>, depth: usize) -> Result<Expr, Diagnostic> {
        let span = self.span(&pair);
        let kind = match pair.as_rule() {
            Rule::number => ExprKind::Number(self.number(&pair)?),
            Rule::text => ExprKind::Text(self.unescape(&pair)?),
            Rule::constant => match pair.as_str() {
                "null" => ExprKind::Null,
                word => ExprKind::Bool(word == "true"),
            },
            Rule::name => ExprKind::Name(pair.as_str().to_owned()),
            Rule::list => ExprKind::List(self.exprs(pair, depth)?),
            Rule::group => {
                let inner = self.exprs(pair, depth)?.pop().ok_or_else(|| self.impossible())?;
                return Ok(Expr { span, ..inner });
            }
            Rule::choice => {
                let [condition, yes, no]: [Expr; 3] =
                    self.exprs(pair, depth)?.try_into().map_err(|_| self.impossible())?;
                ExprKind::If(Box::new(condition), Box::new(yes), Box::new(no))
            }
            _ => self.call(pair, depth)?,
        };
        Ok(Expr { kind, span })
    }

    fn exprs(&self, pair: Pair<'_, Rule>, depth: usize) -> Result<Vec<Expr>, Diagnostic> {
        pair.into_inner().filter(|piece| piece.as_rule() == Rule::expr).map(|piece| self.expr(piece, depth)).collect()
    }

    fn call(&self, pair: Pair<'_, Rule>, depth: usize) -> Result<ExprKind, Diagnostic> {
        let (mut callee, mut args) = (None, Vec::<Arg>::new());
        for piece in pair.into_inner() {
            match piece.as_rule() {
                Rule::name => callee = Some(self.ident(&piece)),
                Rule::argument => args.push(self.argument(piece, depth, &args)?),
                _ => {}
            }
        }
        Ok(ExprKind::Call { callee: callee.ok_or_else(|| self.impossible())?, args, piped: false })
    }

    fn argument(&self, pair: Pair<'_, Rule>, depth: usize, before: &[Arg]) -> Result<Arg, Diagnostic> {
        let (mut name, mut value) = (None, None);
        for piece in pair.into_inner() {
            match piece.as_rule() {
                Rule::argument_name => name = Some(self.ident(&piece)),
                _ => value = Some(self.expr(piece, depth)?),
            }
        }
        let value = value.ok_or_else(|| self.impossible())?;
        let named = before.iter().filter_map(|arg| arg.name.as_ref());
        match &name {
            Some(name) => {
                if let Some(first) = named.into_iter().find(|first| first.name == name.name) {
                    return Err(twice("argument", first, name));
                }
            }
            None => {
                if let Some(first) = named.into_iter().next() {
                    return Err(Diagnostic::new("E0113", "an argument without a name stands after one with a name")
                        .at(value.span, "")
                        .at(first.span, "named here")
                        .help("arguments without a name come first"));
                }
            }
        }
        Ok(Arg { name, value })
    }

    fn parameter(&self, pair: Pair<'_, Rule>) -> Result<Param, Diagnostic> {
        let (mut name, mut default) = (None, None);
        for piece in pair.into_inner() {
            match piece.as_rule() {
                Rule::name => name = Some(self.ident(&piece)),
                _ => default = Some(self.expr(piece, 0)?),
            }
        }
        Ok(Param { name: name.ok_or_else(|| self.impossible())?, default })
    }

    /// A number; a duration is in seconds.
    fn number(&self, pair: &Pair<'_, Rule>) -> Result<f64, Diagnostic> {
        let written = pair.as_str();
        let digits = written.trim_end_matches(['d', 'h', 'm', 's']);
        let seconds = match written.get(digits.len()..) {
            Some("d") => 86_400.0,
            Some("h") => 3_600.0,
            Some("m") => 60.0,
            _ => 1.0,
        };
        let value = digits.parse::<f64>().unwrap_or(f64::INFINITY) * seconds;
        if value.is_finite() {
            return Ok(value);
        }
        Err(Diagnostic::new("E0111", format!("the number `{written}` is too large"))
            .at(self.span(pair), format!("expected at most {:e}", f64::MAX)))
    }

    fn unescape(&self, pair: &Pair<'_, Rule>) -> Result<String, Diagnostic> {
        let inner = pair.as_str();
        let inner = inner.get(1..inner.len().saturating_sub(1)).unwrap_or("");
        let start = pair.as_span().start() + 1;
        let mut text = String::with_capacity(inner.len());
        let mut chars = inner.char_indices();
        while let Some((at, c)) = chars.next() {
            if c != '\\' {
                text.push(c);
                continue;
            }
            match chars.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, 't')) => text.push('\t'),
                Some((_, 'r')) => text.push('\r'),
                Some((_, c @ ('\\' | '"' | '\''))) => text.push(c),
                other => {
                    let len = 1 + other.map_or(0, |(_, c)| c.len_utf8());
                    return Err(Diagnostic::new("E0111", "unknown escape in a text")
                        .at(
                            self.map.span(start + at, start + at + len),
                            "expected `\\\\`, `\\\"`, `\\'`, `\\n`, `\\r` or `\\t`",
                        )
                        .help("a backslash itself is written twice"));
                }
            }
        }
        Ok(text)
    }

    fn ident(&self, pair: &Pair<'_, Rule>) -> Ident {
        Ident { name: pair.as_str().to_owned(), span: self.span(pair) }
    }

    /// The pair's place. Pairs end before trailing blanks, except `expr` before an operator that failed to match.
    fn span(&self, pair: &Pair<'_, Rule>) -> Span {
        let start = pair.as_span().start();
        self.map.span(start, start + pair.as_str().trim_end().len())
    }

    /// The grammar rules this out; it is a finding and not a panic, so that an error in the grammar stays harmless.
    fn impossible(&self) -> Diagnostic {
        Diagnostic::new("E0109", "this expression cannot be read").at(self.map.span(0, self.text.len()), "")
    }
}

fn deep(span: Span, what: String) -> Diagnostic {
    Diagnostic::new("E0110", "the expression is nested too deep")
        .at(span, what)
        .help("name parts of it: every line under `model` is a value that later lines can use")
}

fn twice(what: &str, first: &Ident, second: &Ident) -> Diagnostic {
    Diagnostic::new("E0114", format!("{what} `{}` stands twice", second.name))
        .at(second.span, "")
        .at(first.span, "first here")
}

fn is_operator(rule: Rule) -> bool {
    matches!(rule, Rule::pipe | Rule::negate | Rule::not | Rule::member) || binary_op(rule).is_some()
}

fn binary_op(rule: Rule) -> Option<BinaryOp> {
    Some(match rule {
        Rule::or => BinaryOp::Or,
        Rule::and => BinaryOp::And,
        Rule::equal => BinaryOp::Eq,
        Rule::unequal => BinaryOp::Ne,
        Rule::less => BinaryOp::Lt,
        Rule::at_most => BinaryOp::Le,
        Rule::greater => BinaryOp::Gt,
        Rule::at_least => BinaryOp::Ge,
        Rule::add => BinaryOp::Add,
        Rule::subtract => BinaryOp::Sub,
        Rule::multiply => BinaryOp::Mul,
        Rule::divide => BinaryOp::Div,
        Rule::remainder => BinaryOp::Rem,
        Rule::power => BinaryOp::Pow,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
