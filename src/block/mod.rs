//! Functions of the language: how they are called, the native ones, and the library that is written in the language itself.
//!
//! To add a native function, write it in the file of its family and add its line to [`BLOCKS`]. The line declares what the
//! function takes; arguments reach it converted, and wrong, missing or misspelt ones are found before it runs. A function
//! that can be said in the language is a block in `specs/blocks/` instead, as every attention is.

mod argument;
pub(crate) mod axis;
mod call;
pub mod candidate;
pub mod check;
mod convert;
mod elementwise;
pub mod evaluate;
mod infer;
pub mod init;
pub mod item;
mod layer;
pub mod library;
mod loss;
mod operator;
pub mod order;
pub mod path;
mod place;
mod recurrent;
mod reduce;
mod regularise;
mod report;
mod shape;
pub mod signature;
mod table;
#[cfg(test)]
pub(crate) mod testing;

use call::{Call, Stop};
use item::Item;
use signature::{Default, Kind, Parameter};

/// A function of the program.
#[derive(Clone, Copy, Debug)]
pub struct Native {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub parameters: &'static [Parameter],
    /// Whether it has parameters of its own, and so takes `share=`.
    pub owns: bool,
    /// Adds its nodes.
    pub run: fn(&mut Call) -> Result<Item, Stop>,
}

/// A function without parameters of its own.
const fn function(
    name: &'static str,
    parameters: &'static [Parameter],
    run: fn(&mut Call) -> Result<Item, Stop>,
) -> Native {
    Native { name, parameters, owns: false, run }
}

/// A layer: a function with parameters of its own.
const fn layer(
    name: &'static str,
    parameters: &'static [Parameter],
    run: fn(&mut Call) -> Result<Item, Stop>,
) -> Native {
    Native { name, parameters, owns: true, run }
}

const X: Parameter = Parameter::new("x", Kind::Value);
const A: Parameter = Parameter::new("a", Kind::Value);
const B: Parameter = Parameter::new("b", Kind::Value);
const WHERE: Parameter = Parameter::new("where", Kind::Condition).or(Default::Absent);
const INIT: Parameter = Parameter::new("init", Kind::Init).or(Default::Absent);
const BIAS: Parameter = Parameter::new("bias", Kind::Flag).or(Default::Flag(true));
const LABEL: Parameter = Parameter::new("label", Kind::Any);

/// What every elementwise function takes.
const ONE: &[Parameter] = &[X];
const TWO: &[Parameter] = &[A, B];
/// What every reduction takes.
const REDUCTION: &[Parameter] = &[X, Parameter::new("over", Kind::Over), WHERE];

/// Every native function, alphabetical.
pub const BLOCKS: &[Native] = &[
    function("abs", ONE, elementwise::unary),
    function("append", axis::APPEND, axis::append),
    function("axis", axis::AXIS, axis::axis),
    layer("batch_norm", layer::BATCH_NORM, layer::batch_norm),
    function("bce", &[Parameter::new("logit", Kind::Value), LABEL], loss::bce),
    function("before", place::BEFORE, place::before),
    function("cloze", candidate::CLOZE, candidate::cloze),
    function("concat", &[Parameter::many("x", Kind::Value)], shape::concat),
    function("count", REDUCTION, reduce::count),
    function("cross_entropy", candidate::CROSS_ENTROPY, candidate::cross_entropy),
    function("dot", TWO, shape::dot),
    function("dropout", &[X, Parameter::new("rate", Kind::Number)], layer::dropout),
    layer("embed", place::EMBED, place::embed),
    function("erf", ONE, elementwise::unary),
    function("exp", ONE, elementwise::unary),
    function("first", REDUCTION, reduce::first),
    function("flatten", axis::ALONG, axis::flatten),
    function("following", axis::FOLLOWING, axis::following),
    function("gelu", ONE, elementwise::unary),
    function("is_known", candidate::OF_IDS, candidate::is_known),
    function("last", REDUCTION, reduce::last),
    layer("layer_norm", layer::LAYER_NORM, layer::layer_norm),
    function("leaky_relu", elementwise::LEAKY_RELU, elementwise::leaky_relu),
    layer("linear", &[X, Parameter::new("n", Kind::Count), BIAS, INIT], layer::linear),
    function("log", ONE, elementwise::unary),
    function("logit_and", &[Parameter::many("logit", Kind::Value)], loss::logit_and),
    function("logsumexp", REDUCTION, reduce::logsumexp),
    function("lookup", &[Parameter::new("ids", Kind::Ids), Parameter::new("table", Kind::Table)], table::lookup),
    function("max", REDUCTION, reduce::max),
    function("maximum", TWO, elementwise::larger),
    function("mean", REDUCTION, reduce::mean_of),
    function("mean_to", reduce::LIKE, reduce::mean_to),
    function("merge", axis::ALONG, axis::merge),
    function("min", REDUCTION, reduce::min),
    function("mini_batch_aware", regularise::MINI_BATCH_AWARE, regularise::mini_batch_aware),
    function("minimum", TWO, elementwise::smaller),
    layer("mlp", layer::MLP, layer::mlp),
    function("mse", &[X, LABEL], loss::mse),
    function("only", axis::ONLY, axis::only),
    layer("param", table::PARAM, table::param),
    function("place", place::PLACE, place::place),
    layer("positions", place::POSITIONS, place::positions),
    function("preceding", axis::FOLLOWING, axis::preceding),
    function("relu", ONE, elementwise::unary),
    layer("repeat", recurrent::REPEAT, recurrent::repeat),
    function("same", place::PAIR, place::same),
    function("scan", recurrent::SCAN, recurrent::scan),
    function("scores", candidate::SCORES, candidate::scores),
    function("select", axis::SELECT, axis::select),
    function("sigmoid", ONE, elementwise::unary),
    function("sign", ONE, elementwise::unary),
    function("silu", ONE, elementwise::silu),
    function("size", candidate::OF_IDS, candidate::size),
    function("slice", shape::SLICE, shape::slice),
    function("softmax", REDUCTION, reduce::softmax),
    function("softplus", ONE, elementwise::unary),
    function("split", axis::SPLIT, axis::split),
    function("spread", axis::ALONG, axis::spread),
    function("sqrt", ONE, elementwise::unary),
    function("square", ONE, elementwise::unary),
    function("stack", axis::STACK, axis::stack),
    function("stop_gradient", ONE, elementwise::stop_gradient),
    function("sum", REDUCTION, reduce::sum),
    function("sum_to", reduce::LIKE, reduce::sum_to),
    function("tanh", ONE, elementwise::unary),
    function("top", candidate::TOP, candidate::top),
    function("twin", axis::TWIN, axis::twin),
    function("width", ONE, shape::width),
    function("zeros", recurrent::ZEROS, recurrent::zeros),
];

/// The native function of a name.
pub fn native(name: &str) -> Option<&'static Native> {
    BLOCKS.iter().find(|native| native.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_alphabetical_and_their_parameters_have_names_of_their_own() {
        assert!(BLOCKS.windows(2).all(|pair| pair[0].name < pair[1].name));
        for native in BLOCKS {
            let mut names: Vec<&str> = native.parameters.iter().map(|parameter| parameter.name).collect();
            names.push("share");
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), native.parameters.len() + 1, "{}", native.name);
        }
    }
}
