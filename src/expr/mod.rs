//! The expression language: one grammar for data expressions and model expressions.

pub mod ast;
