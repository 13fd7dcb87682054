//! A sum of a layer and something else is the layer begun from it: a matrix product adds to what it finds at no cost, and
//! what was computed once per sample is not repeated first.

use crate::ir::copy::{Copy, rewrite_inside};
use crate::ir::graph::{Graph, Node, ValueId};
use crate::ir::op::Fault;
use crate::ir::types::Elem;

use super::Goal;

/// Layers, and how many operands they have without what they begin from.
const LAYERS: &[(&str, usize)] = &[("linear", 2), ("scaled_linear", 4)];

/// Replaces `linear(x, w) + y` by `linear(x, w, y)` where nothing else reads the layer without `y`.
pub fn absorb(graph: &Graph, _: Goal) -> Result<Graph, Fault> {
    rewrite_inside(graph, |copy, node| {
        let Some((layer, rest)) = layer_and_rest(copy, node) else { return Ok(false) };
        let operands = [layer.operands.as_slice(), &[rest]].concat();
        let sum = copy.to.one(layer.op, &operands, layer.attrs)?;
        copy.replace_named(node.results[0], sum);
        Ok(true)
    })
}

/// The layer that a sum is of, and what else it is of.
fn layer_and_rest(copy: &Copy, sum: &Node) -> Option<(Node, ValueId)> {
    let &[a, b] = sum.operands.as_slice() else { return None };
    if sum.op.name() != "add" {
        return None;
    }
    [(a, b), (b, a)].into_iter().find_map(|(old, rest)| {
        let graph = copy.to.graph();
        let (layer, rest) = (copy.value(old), copy.value(rest));
        let found = graph.producer(layer).filter(|node| LAYERS.contains(&(node.op.name(), node.operands.len())))?;
        let (whole, part) = (graph.ty(layer), graph.ty(rest));
        let fits = whole.space.covers(&part.space) && part.width == whole.width && part.height == 1;
        (fits && part.elem == Elem::F32 && copy.from.readers(old) == 1).then(|| (found.clone(), rest))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prim::check::graph;

    fn text_of(lines: &str) -> String {
        let text = format!(
            "axis h: ragged of B param @w: f32[3 x 2] = glorot param @v: f32[3 x 2] = glorot
             input %q: f32[B, 3] input %k: f32[B, h, 3] {lines}"
        );
        absorb(&graph(&text), Goal::Predict).unwrap().to_string()
    }

    #[test]
    fn a_layer_begins_from_what_it_is_added_to() {
        let text = text_of(
            "%a: f32[B, 2] = linear(%q, @w) %b: f32[B, h, 2] = linear(%k, @v) %y: f32[B, h, 2] = add(%b, %a)
             output y = %y",
        );
        assert!(text.contains("%y: f32[B, h, 2] = linear(%k, @v, %a)"), "{text}");
    }

    #[test]
    fn a_layer_that_has_fewer_rows_or_another_reader_stays() {
        let text = text_of(
            "%a: f32[B, 2] = linear(%q, @w) %b: f32[B, h, 2] = linear(%k, @v) %x: f32[B, h, 2] = tanh(%b)
             %y: f32[B, h, 2] = add(%a, %x)
             output y = %y",
        );
        assert!(text.contains("= add(%a, %x)"), "{text}");
        let text = text_of(
            "%a: f32[B, 2] = linear(%q, @w) %b: f32[B, h, 2] = linear(%k, @v) %y: f32[B, h, 2] = add(%b, %a)
             output y = %y output b = %b",
        );
        assert!(text.contains("= add(%b, %a)"), "{text}");
    }
}
