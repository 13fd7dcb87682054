//! The primitives: about forty operations that every graph comes down to, a file each with type rule, reference value
//! and derivative. A new one is its file and one line of the registry below.

pub mod adagrad;
pub mod adam;
pub mod append;
pub mod arrangement;
pub mod assign;
pub mod attention;
pub mod backward;
pub mod batch_norm;
pub mod bce;
pub mod before;
pub mod binary;
pub mod candidate;
pub mod choose;
pub mod cloze;
pub mod concat;
pub mod constant;
pub mod contract;
pub mod count;
pub mod cross_entropy;
pub mod dot;
pub mod dropout;
pub mod expand;
pub mod fetch;
pub mod first;
pub mod flatten;
pub mod gather;
pub mod gradient;
pub mod layer_norm;
pub mod lazy_adam;
pub mod leaky_relu;
pub mod linear;
pub mod locate;
pub mod make;
pub mod max_over;
pub mod moments;
pub mod neighbour;
pub mod ordinal;
pub mod outer_by;
pub mod philox;
pub mod place;
pub mod random;
pub mod rows;
pub mod scaled_linear;
pub mod scan;
pub mod select;
pub mod sgd;
pub mod softmax;
pub mod split;
pub mod stop_gradient;
pub mod sum;
pub mod sum_squares;
pub mod top;
pub mod transpose;
pub mod twin;
pub mod unary;
pub mod unknown;

mod add_rows;
#[cfg(test)]
pub(crate) mod check;
mod effect;
#[cfg(test)]
mod kit;
mod moves;
mod rule;
mod tensor;

use crate::ir::op::{EffectOp, Op};
use crate::ir::read::Registry;

/// Pure operations that stand in a file of their own, alphabetical.
const SINGLE: &[&dyn Op] = &[
    &append::Append,
    &append::WithoutLast,
    &attention::Attention,
    &attention::AttentionGrad,
    &batch_norm::BatchNorm,
    &bce::Bce,
    &bce::BceGrad,
    &before::Before,
    &before::Same,
    &candidate::Best,
    &candidate::IsCandidate,
    &candidate::Rank,
    &choose::Choose,
    &cloze::Cloze,
    &cloze::HideLast,
    &concat::Concat,
    &concat::Pad,
    &concat::Slice,
    &constant::Constant,
    &contract::Contract,
    &count::Count,
    &cross_entropy::CrossEntropy,
    &cross_entropy::CrossEntropyGrad,
    &dot::Dot,
    &dropout::Dropout,
    &expand::Expand,
    &fetch::Fetch,
    &fetch::Unfetch,
    &first::AtEnd(first::End::First),
    &first::AtEnd(first::End::Last),
    &first::EndRow(first::End::First),
    &first::EndRow(first::End::Last),
    &flatten::Flatten,
    &flatten::Unflatten,
    &gather::Gather,
    &gather::Scatter,
    &layer_norm::LayerNorm,
    &layer_norm::LayerNormGrad,
    &layer_norm::LayerNormScaleGrad,
    &leaky_relu::LeakyRelu,
    &leaky_relu::LeakyReluGrad,
    &linear::Linear,
    &linear::OuterSum,
    &locate::Locate,
    &max_over::MaxOver,
    &moments::Moments,
    &neighbour::Neighbour(neighbour::Side::Following),
    &neighbour::Neighbour(neighbour::Side::Preceding),
    &ordinal::Bin,
    &ordinal::Ordinal,
    &ordinal::Sinusoid,
    &outer_by::MatrixDot,
    &outer_by::OuterBy,
    &outer_by::ScaledSums,
    &place::Place,
    &random::Random,
    &rows::Rows,
    &rows::RowsPad,
    &scaled_linear::LinearScaled,
    &scaled_linear::ScaledLinear,
    &scan::grad::ScanGrad,
    &scan::Scan,
    &select::Select,
    &select::Unselect,
    &softmax::Softmax,
    &softmax::SoftmaxGrad,
    &split::Merge,
    &split::Split,
    &stop_gradient::StopGradient,
    &sum::Sum,
    &sum::SumWidth,
    &sum_squares::SumSquares,
    &top::Top,
    &transpose::Transpose,
    &twin::Twin,
    &unknown::Unknown,
];

/// Operations that change parameters, alphabetical.
pub const EFFECTS: &[&dyn EffectOp] = &[
    &adagrad::Adagrad,
    &adam::Adam,
    &adam::AdamW,
    &assign::Assign,
    &lazy_adam::LazyAdam,
    &adagrad::RowAdagrad,
    &sgd::RowSgd,
    &sgd::Sgd,
];

/// Every pure operation: the single ones and the rows of the three elementwise tables.
pub fn prims() -> impl Iterator<Item = &'static dyn Op> {
    let unary = unary::UNARY.iter().map(|op| op as &dyn Op);
    let binary = binary::BINARY.iter().map(|op| op as &dyn Op);
    let gradient = gradient::GRADIENT.iter().map(|op| op as &dyn Op);
    SINGLE.iter().copied().chain(unary).chain(binary).chain(gradient)
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
