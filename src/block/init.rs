//! First values of parameters as the language says them: `zeros`, `normal(0.01)`, `glorot`.

use crate::diag::Diagnostic;
use crate::diag::near::{list, near};
use crate::expr::ast::{Expr, ExprKind, UnaryOp};
use crate::ir::graph::Init;

/// Every way to say one, with the number that it takes.
const WAYS: &[&str] = &["fan_in", "glorot", "normal", "ones", "truncated_normal", "uniform", "zeros"];

/// Reads a first value. `fan_in` and `glorot` take their numbers from the shape; `fan_in` is given the height later.
pub fn read(expr: &Expr) -> Result<Init, Diagnostic> {
    if let Some(value) = number(expr) {
        return Ok(Init::Constant(value));
    }
    let (name, args) = match &expr.kind {
        ExprKind::Name(name) => (name, &[][..]),
        ExprKind::Call { callee, args, .. } => (&callee.name, &args[..]),
        _ => return Err(wrong(expr, "")),
    };
    let arg = match args {
        [] => None,
        [one] => number(&one.value),
        _ => return Err(wrong(expr, "one number in the brackets")),
    };
    match (name.as_str(), arg) {
        ("zeros", None) => Ok(Init::Constant(0.0)),
        ("ones", None) => Ok(Init::Constant(1.0)),
        ("glorot", None) => Ok(Init::Glorot),
        ("fan_in", None) => Ok(Init::FanIn { fan_in: 0 }),
        ("normal", Some(std)) if std >= 0.0 => Ok(Init::Normal { std }),
        ("truncated_normal", Some(std)) if std >= 0.0 => Ok(Init::TruncatedNormal { std }),
        ("uniform", Some(limit)) if limit >= 0.0 => Ok(Init::Uniform { limit }),
        ("normal" | "truncated_normal", _) => Err(wrong(expr, "a standard deviation in the brackets")),
        ("uniform", _) => Err(wrong(expr, "a limit in the brackets")),
        (word, _) => match near(word, WAYS.iter().copied()) {
            Some(near) => Err(wrong(expr, &format!("`{near}` is one"))),
            None => Err(wrong(expr, "")),
        },
    }
}

/// A number, perhaps with a sign.
fn number(expr: &Expr) -> Option<f64> {
    match &expr.kind {
        ExprKind::Number(value) => Some(*value),
        ExprKind::Unary(UnaryOp::Neg, inner) => match inner.kind {
            ExprKind::Number(value) => Some(-value),
            _ => None,
        },
        _ => None,
    }
}

fn wrong(expr: &Expr, mark: &str) -> Diagnostic {
    let ways = list(WAYS, "or");
    Diagnostic::new("E0313", format!("expected a first value, found `{expr}`"))
        .at(expr.span, mark)
        .help(format!("it is a number, or {ways}, for example `normal(0.01)`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::testing::expr;

    #[test]
    fn first_values_are_read_and_others_refused() {
        assert_eq!(read(&expr("normal(0.01)")), Ok(Init::Normal { std: 0.01 }));
        assert_eq!(read(&expr("zeros")), Ok(Init::Constant(0.0)));
        assert_eq!(read(&expr("-1.5")), Ok(Init::Constant(-1.5)));
        for wrong in ["normal", "normal(-1)", "zero", "uniform(x)", "[1]"] {
            assert_eq!(read(&expr(wrong)).unwrap_err().code, "E0313", "{wrong}");
        }
    }
}
