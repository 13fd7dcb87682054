//! The expression tree that every part of a spec shares: data expressions, model expressions, metrics, block signatures.

use crate::diag::Span;

/// A name with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Ident {
    /// The text.
    pub name: String,
    /// Where it stands.
    pub span: Span,
}

/// An expression with its place in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it says.
    pub kind: ExprKind,
    /// Where it stands, parentheses included.
    pub span: Span,
}

/// The forms of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `0.5`, `1e-8`, `200`, and durations such as `3d`, `30m` in seconds.
    Number(f64),
    /// `"pv"`.
    Text(String),
    /// `true`, `false`.
    Bool(bool),
    /// `null`.
    Null,
    /// `logit`.
    Name(String),
    /// `history.item`, `masked.tokens`, `sample.time`.
    Member(Box<Expr>, Ident),
    /// `din(item, history.item, over=history)`. `x |> f(y)` is `f(x, y)` with `piped`; `x |> relu` is `relu(x)`.
    Call {
        /// The function.
        callee: Ident,
        /// Arguments in order of writing; a piped value comes first.
        args: Vec<Arg>,
        /// Whether the first argument came through `|>`; only the printer cares.
        piped: bool,
    },
    /// `-x`, `not x`.
    Unary(UnaryOp, Box<Expr>),
    /// `a + b`, `a >= b`, `a and b`.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `if(c, a, b)`.
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `[200, 80]`.
    List(Vec<Expr>),
}

/// One argument of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Arg {
    /// `over` in `over=history`; none for a positional argument.
    pub name: Option<Ident>,
    /// The value.
    pub value: Expr,
}

/// Prefix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// `-x`
    Neg,
    /// `not x`
    Not,
}

/// Infix operators, weakest binding first: `|>` < `or` < `and` < `not` < comparison < `+ -` < `* / %` < `-x` < `^` < `.`; as in Python,
/// so `not rating >= 4` is `not (rating >= 4)`, and `-x ^ 2` is `-(x ^ 2)`. All group to the left except `^`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    /// `or`
    Or,
    /// `and`
    And,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Rem,
    /// `^`
    Pow,
}

/// The left side of a `blocks:` entry: `gated(query, keys, over, hidden=32)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Signature {
    /// The block's name.
    pub name: Ident,
    /// Parameters in order; those with a default are optional.
    pub params: Vec<Param>,
}

/// One parameter of a block.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// Its name, visible in the body only.
    pub name: Ident,
    /// Its value when the call leaves it out.
    pub default: Option<Expr>,
}
