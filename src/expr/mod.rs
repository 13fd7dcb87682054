//! The expression language: one grammar for data expressions and model expressions.

pub mod ast;
mod complaint;
mod grammar;
pub mod parse;
pub mod print;
