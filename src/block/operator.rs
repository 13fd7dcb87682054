//! Operators: of known things they are computed, of values they are nodes.

use crate::diag::{Diagnostic, Span};
use crate::expr::ast::{BinaryOp, Expr, UnaryOp};
use crate::ir::graph::ValueId;
use crate::ir::op::Fault;
use crate::prim::make;

use super::evaluate::{Evaluator, Said};
use super::item::Item;

/// Infix operators: how errors show them, and the primitive.
const BINARY: &[(BinaryOp, &str, &str)] = &[
    (BinaryOp::Or, "or", "or"),
    (BinaryOp::And, "and", "and"),
    (BinaryOp::Eq, "==", "eq"),
    (BinaryOp::Ne, "!=", "ne"),
    (BinaryOp::Lt, "<", "lt"),
    (BinaryOp::Le, "<=", "le"),
    (BinaryOp::Gt, ">", "gt"),
    (BinaryOp::Ge, ">=", "ge"),
    (BinaryOp::Add, "+", "add"),
    (BinaryOp::Sub, "-", "sub"),
    (BinaryOp::Mul, "*", "mul"),
    (BinaryOp::Div, "/", "div"),
    (BinaryOp::Rem, "%", ""),
    (BinaryOp::Pow, "^", ""),
];

impl Evaluator<'_> {
    pub(super) fn unary(&mut self, operator: UnaryOp, operand: &Expr, span: Span) -> Result<Item, Said> {
        let made = match (operator, self.expr(operand)?) {
            (UnaryOp::Neg, Item::Number(number)) => return Ok(Item::Number(-number)),
            (UnaryOp::Not, Item::Bool(flag)) => return Ok(Item::Bool(!flag)),
            (UnaryOp::Neg, item) => {
                let value = self.number_value(item, operand.span)?;
                make::unary(&mut self.to, "neg", value).map(Item::Value)
            }
            // A label that is not known stays not known.
            (UnaryOp::Not, Item::Label(value)) => self.one_minus(value).map(Item::Label),
            (UnaryOp::Not, item) => {
                let value = self.condition(item, operand.span)?;
                make::unary(&mut self.to, "not", value).map(Item::Value)
            }
        };
        self.placed(made, span, &[operand.span])
    }

    pub(super) fn binary(&mut self, operator: BinaryOp, left: &Expr, right: &Expr, span: Span) -> Result<Item, Said> {
        let (a, b) = (self.expr(left), self.expr(right));
        let (a, b) = (a?, b?);
        let spans = [left.span, right.span];
        if let Some(known) = known(operator, &a, &b) {
            return self.finite(known, span);
        }
        if let (BinaryOp::Div, Item::Number(0.0)) = (operator, &b) {
            let finding = Diagnostic::new("E0314", "a division by 0").at(right.span, "");
            return Err(self.say(finding.help("`x / maximum(y, 1e-6)` keeps a divisor away from 0")));
        }
        let made = match (operator, &a, &b) {
            (BinaryOp::And | BinaryOp::Or, Item::Label(a), Item::Label(b)) => {
                self.label_logic(operator, *a, *b).map(Item::Label)
            }
            (BinaryOp::And | BinaryOp::Or, _, _) => {
                let operands = [self.condition(a, left.span)?, self.condition(b, right.span)?];
                self.operation(operator, operands).map(Item::Value)
            }
            (BinaryOp::Eq | BinaryOp::Ne, Item::Ids(a), Item::Ids(b)) => {
                if self.to.ty(a.value).elem != self.to.ty(b.value).elem {
                    let (a, b) = (self.type_at(left.span), self.type_at(right.span));
                    let finding = Diagnostic::new("E0303", "ids of two vocabularies are never the same");
                    let finding = finding.at(left.span, a).at(right.span, b);
                    return Err(self.say(finding.help("features with one `table` have one vocabulary")));
                }
                self.operation(operator, [a.value, b.value]).map(Item::Value)
            }
            (BinaryOp::Pow, _, Item::Number(power)) => {
                let x = self.number_value(a, left.span)?;
                self.power(x, *power, span)?.map(Item::Value)
            }
            (BinaryOp::Pow | BinaryOp::Rem, _, _) => {
                let symbol = symbol(operator);
                let title = format!("`{symbol}` takes known numbers, found {}", b.describe(self.to.graph()));
                let finding = Diagnostic::new("E0302", title).at(right.span, "");
                return Err(self.say(finding.help("`x ^ 2`, `x ^ 0.5` and other known powers are possible")));
            }
            (_, Item::Positions(positions), other) | (_, other, Item::Positions(positions)) => {
                let (positions, first) = (positions.clone(), matches!(a, Item::Positions(_)));
                let beside = self.number_value(other.clone(), if first { right.span } else { left.span })?;
                let width = self.to.ty(beside).width;
                self.positions(&positions, width).and_then(|rows| {
                    let operands = if first { [rows, beside] } else { [beside, rows] };
                    self.operation(operator, operands).map(Item::Value)
                })
            }
            _ => {
                let operands = [self.number_value(a, left.span)?, self.number_value(b, right.span)?];
                self.operation(operator, operands).map(Item::Value)
            }
        };
        self.placed(made, span, &spans)
    }

    /// What was computed of known numbers, unless it is no number.
    fn finite(&mut self, known: Item, span: Span) -> Result<Item, Said> {
        match known {
            Item::Number(number) if !number.is_finite() => {
                let title = format!("this is {number}, expected a finite number");
                Err(self.say(Diagnostic::new("E0314", title).at(span, "")))
            }
            known => Ok(known),
        }
    }

    /// The primitive of an operator; its faults name the operator as the spec writes it.
    fn operation(&mut self, operator: BinaryOp, operands: [ValueId; 2]) -> Result<ValueId, Fault> {
        let entry = BINARY.iter().find(|(known, _, _)| *known == operator);
        let Some((_, symbol, name)) = entry else { return Err(Fault::new("E0399", "an operator without a primitive")) };
        make::binary(&mut self.to, name, operands[0], operands[1]).map_err(|fault| Fault {
            title: fault.title.replace(&format!("`{name}`"), &format!("`{symbol}`")),
            ..fault
        })
    }

    /// `x ^ power` for the powers that are products and roots.
    fn power(&mut self, x: ValueId, power: f64, span: Span) -> Result<Result<ValueId, Fault>, Said> {
        let to = &mut self.to;
        Ok(match power {
            1.0 => Ok(x),
            2.0 => make::unary(to, "square", x),
            3.0 => make::unary(to, "square", x).and_then(|square| make::mul(to, square, x)),
            0.5 => make::unary(to, "sqrt", x),
            -1.0 | -0.5 => {
                let root = if power == -0.5 { make::unary(to, "sqrt", x) } else { Ok(x) };
                root.and_then(|root| {
                    let one = make::constant(to, 1.0, 1)?;
                    make::div(to, one, root)
                })
            }
            _ => {
                let title = format!("no power {} of a value", crate::expr::print::number(power));
                let finding = Diagnostic::new("E0302", title).at(span, "");
                let way_out =
                    "the powers are -1, -0.5, 0.5, 1, 2 and 3; `exp(p * log(x))` is any power of what is positive";
                return Err(self.say(finding.help(way_out)));
            }
        })
    }

    /// `a and b`, `a or b` of labels: products and sums, so that what is not known (NaN) stays not known.
    fn label_logic(&mut self, operator: BinaryOp, a: ValueId, b: ValueId) -> Result<ValueId, Fault> {
        let both = make::mul(&mut self.to, a, b)?;
        if operator == BinaryOp::And {
            return Ok(both);
        }
        let sum = make::add(&mut self.to, a, b)?;
        make::sub(&mut self.to, sum, both)
    }

    fn one_minus(&mut self, value: ValueId) -> Result<ValueId, Fault> {
        let one = make::constant(&mut self.to, 1.0, 1)?;
        make::sub(&mut self.to, one, value)
    }
}

fn symbol(operator: BinaryOp) -> &'static str {
    BINARY.iter().find(|(known, _, _)| *known == operator).map_or("", |(_, symbol, _)| symbol)
}

/// The result for two known things; none if one is a value, or if they do not go together.
fn known(operator: BinaryOp, a: &Item, b: &Item) -> Option<Item> {
    match (a, b) {
        (Item::Number(a), Item::Number(b)) => Some(numbers(operator, *a, *b)),
        (Item::Bool(a), Item::Bool(b)) => match operator {
            BinaryOp::And => Some(Item::Bool(*a && *b)),
            BinaryOp::Or => Some(Item::Bool(*a || *b)),
            _ => same(operator, a == b),
        },
        (Item::Text(a), Item::Text(b)) | (Item::Function(a) | Item::Text(a), Item::Function(b) | Item::Text(b)) => {
            same(operator, a == b)
        }
        (Item::Null, other) | (other, Item::Null) => same(operator, *other == Item::Null),
        _ => None,
    }
}

fn same(operator: BinaryOp, equal: bool) -> Option<Item> {
    match operator {
        BinaryOp::Eq => Some(Item::Bool(equal)),
        BinaryOp::Ne => Some(Item::Bool(!equal)),
        _ => None,
    }
}

fn numbers(operator: BinaryOp, a: f64, b: f64) -> Item {
    match operator {
        BinaryOp::Add => Item::Number(a + b),
        BinaryOp::Sub => Item::Number(a - b),
        BinaryOp::Mul => Item::Number(a * b),
        BinaryOp::Div => Item::Number(a / b),
        BinaryOp::Rem => Item::Number(a.rem_euclid(b)),
        BinaryOp::Pow => Item::Number(a.powf(b)),
        BinaryOp::Eq => Item::Bool(a == b),
        BinaryOp::Ne => Item::Bool(a != b),
        BinaryOp::Lt => Item::Bool(a < b),
        BinaryOp::Le => Item::Bool(a <= b),
        BinaryOp::Gt => Item::Bool(a > b),
        BinaryOp::Ge => Item::Bool(a >= b),
        BinaryOp::And => Item::Bool(a != 0.0 && b != 0.0),
        BinaryOp::Or => Item::Bool(a != 0.0 || b != 0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_things_are_computed() {
        let half = known(BinaryOp::Pow, &Item::Number(4.0), &Item::Number(0.5));
        assert_eq!(half, Some(Item::Number(2.0)));
        let word = |word: &str| Item::Text(word.to_owned());
        assert_eq!(known(BinaryOp::Eq, &word("raw"), &word("raw")), Some(Item::Bool(true)));
        assert_eq!(known(BinaryOp::Ne, &Item::Null, &Item::Number(1.0)), Some(Item::Bool(true)));
        assert_eq!(known(BinaryOp::Add, &word("raw"), &word("raw")), None);
    }
}
