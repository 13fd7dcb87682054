//! Scales all gradients down together where their common norm is above a bound (Pascanu et al. 2013).

use crate::ir::copy::Copy;
use crate::ir::graph::Graph;
use crate::ir::op::Fault;
use crate::prim::make;

use super::Goal;
use super::differentiate::GRADIENT;

/// Multiplies every gradient by `min(1, bound / norm)`.
pub fn clip(graph: &Graph, goal: Goal) -> Result<Graph, Fault> {
    let Goal::Train(train) = goal else { return Ok(graph.clone()) };
    let Some(bound) = train.clip else { return Ok(graph.clone()) };
    let mut copy = Copy::new(graph);
    for &item in graph.order() {
        copy.item(item)?;
    }
    let is_gradient = |name: &str| name.starts_with(GRADIENT);
    let gradients: Vec<_> = graph.outputs().iter().filter(|root| is_gradient(&root.name)).collect();
    let values: Vec<_> = gradients.iter().map(|root| copy.value(root.value)).collect();
    if values.is_empty() {
        return Ok(graph.clone());
    }
    copy.to.enter("clip");
    let to = &mut copy.to;
    let squares = make::sum_squares(to, &values)?;
    // The smallest normal number keeps a norm of 0 from dividing by 0.
    let tiny = make::constant(to, f64::from(f32::MIN_POSITIVE), 1)?;
    let squares = make::binary(to, "max", squares, tiny)?;
    let inverse = make::unary(to, "rsqrt", squares)?;
    let bound = make::constant(to, bound, 1)?;
    let scale = make::mul(to, inverse, bound)?;
    let one = make::constant(to, 1.0, 1)?;
    let scale = make::binary(to, "min", scale, one)?;
    for (root, value) in gradients.iter().zip(values) {
        let scaled = make::mul(&mut copy.to, value, scale)?;
        copy.replace(root.value, scaled);
    }
    copy.finish()
}
