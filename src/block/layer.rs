//! Layers: functions of the width with parameters of their own.

use crate::ir::graph::{Init, Role, ValueId};
use crate::ir::op::Fault;
use crate::ir::types::{Space, Type};
use crate::prim::make;

use super::call::{Call, Stop};
use super::item::Item;
use super::signature::{Default, Kind, Parameter};
use super::{BIAS, INIT, X};

pub(super) const MLP: &[Parameter] = &[
    X,
    Parameter::new("units", Kind::Counts),
    Parameter::new("activation", Kind::Function).or(Default::Word("relu")),
    Parameter::new("dropout", Kind::Number).or(Default::Number(0.0)),
    Parameter::word("norm", &["none", "batch", "layer"]),
    BIAS,
    INIT,
];

pub(super) const BATCH_NORM: &[Parameter] = &[
    X,
    Parameter::new("eps", Kind::Number).or(Default::Number(1e-5)),
    Parameter::new("momentum", Kind::Number).or(Default::Number(0.1)),
    Parameter::new("affine", Kind::Flag).or(Default::Flag(true)),
];

pub(super) const LAYER_NORM: &[Parameter] = &[X, Parameter::new("eps", Kind::Number).or(Default::Number(1e-5))];

/// Each row by its own mean and variance, then a learned scale and shift of each column (Ba et al. 2016).
pub(super) fn layer_norm(call: &mut Call) -> Result<Item, Stop> {
    let (x, eps) = (call.value(0)?, call.number(1)?);
    if eps <= 0.0 {
        return Err(Fault::new("E0313", "a layer norm needs a positive `eps`").into());
    }
    let path = call.path();
    let row = Type::f32(Space::unit(), call.width(x));
    let scale = call.weight(&format!("{path}.scale"), row.clone(), Init::Constant(1.0))?;
    let shift = call.weight(&format!("{path}.shift"), row, Init::Constant(0.0))?;
    Ok(Item::Value(make::layer_norm(&mut call.at.to, x, scale, shift, eps)?))
}

/// `x w + b`. By default `w` is uniform with limit `sqrt(6 / (height + width))` (Glorot and Bengio 2010) and `b` is zero, as
/// in the published code of the models shipped here; `init=fan_in` is PyTorch's default for both.
pub(super) fn linear(call: &mut Call) -> Result<Item, Stop> {
    let (x, n, bias) = (call.value(0)?, call.count(1)?, call.flag(2));
    let init = call.init(3, Init::Glorot);
    let path = call.path();
    Ok(Item::Value(affine(call, &path, x, n, bias, init)?))
}

/// For each count of `units`: linear, norm, activation, dropout, in this order.
pub(super) fn mlp(call: &mut Call) -> Result<Item, Stop> {
    let (mut x, units, rate) = (call.value(0)?, call.counts(1), call.number(3)?);
    let (activation, norm) = (call.word(2).to_owned(), call.word(4).to_owned());
    let (bias, init) = (call.flag(5), call.init(6, Init::Glorot));
    let path = call.path();
    for (layer, &n) in units.iter().enumerate() {
        let path = format!("{path}.{layer}");
        let outside = call.at.paths.enter_part(&path, call.share.is_some());
        let scope = call.at.to.enter(path.clone());
        let made = one_layer(call, &path, x, n, (bias, init), (&activation, &norm, rate));
        call.at.to.enter(scope);
        call.at.paths.leave(outside);
        x = made?;
    }
    Ok(Item::Value(x))
}

fn one_layer(
    call: &mut Call,
    path: &str,
    x: ValueId,
    n: u32,
    (bias, init): (bool, Init),
    (activation, norm, rate): (&str, &str, f64),
) -> Result<ValueId, Stop> {
    let mut x = affine(call, path, x, n, bias, init)?;
    let span = call.span;
    match norm {
        "batch" => x = normalise(call, &format!("{path}.batch_norm"), x, (1e-5, 0.1), true)?,
        "layer" => x = number(call.at.apply("layer_norm", x, span)?)?,
        _ => {}
    }
    let item = call.at.apply(activation, x, span)?;
    x = number(item)?;
    if rate == 0.0 { Ok(x) } else { Ok(noise(call, x, rate)?) }
}

/// What an activation must give.
fn number(item: Item) -> Result<ValueId, Fault> {
    match item {
        Item::Value(value) => Ok(value),
        _ => Err(Fault::new("E0302", "an activation gives numbers, found something else").of(2)),
    }
}

/// In training, each number is 0 with probability `rate`, the others grow to make up for it; in inference `x`.
pub(super) fn dropout(call: &mut Call) -> Result<Item, Stop> {
    let (x, rate) = (call.value(0)?, call.number(1)?);
    Ok(Item::Value(if rate == 0.0 { x } else { noise(call, x, rate)? }))
}

/// Mean 0 and variance 1 over the rows of the batch; in inference by running statistics. `momentum` is the weight of the
/// newest batch in them. `affine` adds a scale and a shift of each column.
pub(super) fn batch_norm(call: &mut Call) -> Result<Item, Stop> {
    let (x, eps, momentum, affine) = (call.value(0)?, call.number(1)?, call.number(2)?, call.flag(3));
    let path = call.path();
    Ok(Item::Value(normalise(call, &path, x, (eps, momentum), affine)?))
}

fn affine(call: &mut Call, path: &str, x: ValueId, n: u32, bias: bool, init: Init) -> Result<ValueId, Fault> {
    let fan_in = call.width(x);
    let (init, bias_init) = match init {
        Init::FanIn { .. } => (Init::FanIn { fan_in }, Init::FanIn { fan_in }),
        other => (other, Init::Constant(0.0)),
    };
    let w = call.weight(&format!("{path}.w"), Type::matrix(fan_in, n), init)?;
    let b = match bias {
        true => Some(call.weight(&format!("{path}.b"), Type::f32(Space::unit(), n), bias_init)?),
        false => None,
    };
    make::linear(&mut call.at.to, x, w, b)
}

fn normalise(
    call: &mut Call,
    path: &str,
    x: ValueId,
    (eps, momentum): (f64, f64),
    affine: bool,
) -> Result<ValueId, Fault> {
    if !(eps > 0.0 && (0.0..=1.0).contains(&momentum)) {
        return Err(Fault::new("E0313", "a batch norm needs a positive `eps` and a `momentum` between 0 and 1"));
    }
    let row = Type::f32(Space::unit(), call.width(x));
    let to = &mut call.at.to;
    let mean = to.param(&format!("{path}.mean"), row.clone(), Init::Constant(0.0), Role::State)?;
    let variance = to.param(&format!("{path}.var"), row.clone(), Init::Constant(1.0), Role::State)?;
    let normal = make::batch_norm(to, x, mean, variance, eps, momentum)?;
    if !affine {
        return Ok(normal);
    }
    let scale = call.weight(&format!("{path}.scale"), row.clone(), Init::Constant(1.0))?;
    let shift = call.weight(&format!("{path}.shift"), row, Init::Constant(0.0))?;
    let scaled = make::mul(&mut call.at.to, normal, scale)?;
    make::add(&mut call.at.to, scaled, shift)
}

fn noise(call: &mut Call, x: ValueId, rate: f64) -> Result<ValueId, Fault> {
    if !(0.0..1.0).contains(&rate) {
        let rate = crate::expr::print::number(rate);
        return Err(Fault::new("E0313", format!("a dropout rate is at least 0 and below 1, found {rate}")));
    }
    let stream = call.at.paths.noise("dropout");
    make::dropout(&mut call.at.to, x, &stream, rate)
}
