//! The primitives: about forty operations that every graph comes down to, a file each with type rule, reference value
//! and derivative. A new one is its file and one line of the registry below.

pub mod adam;
pub mod binary;
pub mod constant;
pub mod expand;
pub mod linear;
pub mod make;
pub mod philox;
pub mod sum;
pub mod transpose;
pub mod unary;

use crate::ir::op::{EffectOp, Op};
use crate::ir::read::Registry;

/// Pure operations that stand in a file of their own, alphabetical.
const SINGLE: &[&dyn Op] = &[
    &constant::Constant,
    &expand::Expand,
    &linear::Linear,
    &linear::OuterSum,
    &sum::Sum,
    &sum::SumWidth,
    &transpose::Transpose,
];

/// Operations that change parameters, alphabetical.
pub const EFFECTS: &[&dyn EffectOp] = &[&adam::Adam];

/// Every pure operation: the single ones and the rows of the two elementwise tables.
pub fn prims() -> impl Iterator<Item = &'static dyn Op> {
    let unary = unary::UNARY.iter().map(|op| op as &dyn Op);
    let binary = binary::BINARY.iter().map(|op| op as &dyn Op);
    SINGLE.iter().copied().chain(unary).chain(binary)
}

/// The operation of a name.
pub fn find(name: &str) -> Option<&'static dyn Op> {
    prims().find(|op| op.name() == name)
}

/// The effect of a name.
pub fn find_effect(name: &str) -> Option<&'static dyn EffectOp> {
    EFFECTS.iter().copied().find(|op| op.name() == name)
}

/// Everything that a text of the IR may name.
pub const REGISTRY: Registry = Registry { op: find, effect: find_effect };
