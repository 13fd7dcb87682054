//! The parser that pest makes of `grammar/expr.pest`, and the words that errors use for its rules.

use pest::pratt_parser::{Assoc, Op, PrattParser};
use std::sync::LazyLock;

#[derive(pest_derive::Parser)]
#[grammar = "grammar/expr.pest"]
pub(super) struct ExpressionParser;

/// Weakest binding first. As in Python, `not` takes a whole comparison and `-` a whole power.
pub(super) static PRECEDENCE: LazyLock<PrattParser<Rule>> = LazyLock::new(|| {
    let left = |rule| Op::infix(rule, Assoc::Left);
    PrattParser::new()
        .op(left(Rule::pipe))
        .op(left(Rule::or))
        .op(left(Rule::and))
        .op(Op::prefix(Rule::not))
        .op(COMPARISONS.iter().map(|&rule| left(rule)).reduce(|a, b| a | b).unwrap_or(left(Rule::equal)))
        .op(left(Rule::add) | left(Rule::subtract))
        .op(left(Rule::multiply) | left(Rule::divide) | left(Rule::remainder))
        .op(Op::prefix(Rule::negate))
        .op(Op::infix(Rule::power, Assoc::Right))
        .op(Op::postfix(Rule::member))
});

/// The operators that do not chain.
pub(super) const COMPARISONS: &[Rule] =
    &[Rule::equal, Rule::unequal, Rule::less, Rule::at_most, Rule::greater, Rule::at_least];

/// What stands in `expected ...` when a rule was tried and failed. Rules that say the same share a word.
pub(super) fn word(rule: Rule) -> &'static str {
    match rule {
        Rule::EOI => "the end",
        Rule::open => "`(`",
        Rule::close => "`)`",
        Rule::close_list => "`]`",
        Rule::comma => "`,`",
        Rule::name | Rule::word | Rule::parameter | Rule::signature | Rule::member_name => "a name",
        Rule::member => "`.`",
        Rule::pipe
        | Rule::or
        | Rule::and
        | Rule::equal
        | Rule::unequal
        | Rule::at_most
        | Rule::at_least
        | Rule::less
        | Rule::greater
        | Rule::add
        | Rule::subtract
        | Rule::multiply
        | Rule::divide
        | Rule::remainder
        | Rule::power => "an operator",
        _ => "a value",
    }
}
