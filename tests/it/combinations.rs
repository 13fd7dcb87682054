//! Attentions combine freely: whatever gives a value along an axis may stand wherever one is read. Each combination has one
//! training step on both backends.

use std::path::Path;

use specrec::diag::render::render_all;
use specrec::diag::{Diags, Sources};
use specrec::exec::candle::Schedule;
use specrec::ir::graph::Graph;
use specrec::pass::{Goal, instantiate};
use specrec::syntax::spec::Spec;

use crate::both::{difference, feed, step, weights};

/// Interests of the user, by the values of `model` that give them, on top of DIN.
const COMBINATIONS: &[(&str, &str)] = &[
    (
        "AUGRU over co-attention over a transformer",
        "
  encoded: transformer(history.item, over=history, heads=2)
  both: twin(encoded, over=history, as=mirror)
  shared: co_attention(encoded, both, over_x=history, over_y=mirror, hidden=8)
  interest: augru(encoded, softmax(bilinear(encoded, shared), over=history), over=history)",
    ),
    (
        "DIN over a GRU over spatial attention",
        "
  seen: spatial_attention(history.item, over=history)
  states: gru(seen, over=history, hidden=24)
  interest: din(item, states, over=history, hidden=[8], weights=softmax)",
    ),
    (
        "several interests of a causal transformer, with sinusoids for positions",
        "
  placed: history.item + positions(history, kind=sinusoid)
  encoded: transformer(placed, over=history, layers=2, heads=3, causal=true, norm=pre, dropout=0.1)
  interest: multi_interest(encoded, item, over=history, interests=3)",
    ),
    (
        "cross-attention to what a select keeps, beside a flattened axis",
        "
  late: select(history.item, over=history, where=place(history) < 3, as=late)
  asked: cross_attention(item, late, over=late, heads=2)
  all: flatten(linear(history.item, 2), over=history)
  interest: concat(asked, all) |> linear(24)",
    ),
    (
        "the target behind the history, a GRU, and fields that interact",
        "
  steps: append(history.item, item, over=history, as=steps)
  last_state: last(gru(steps, over=steps, hidden=24), over=steps)
  fields: stack(concat(item), last_state, mean(history.item, over=history), as=fields)
  crossed: interacting(fields, over=fields, heads=2, dim=8)
  interest: concat(flatten(crossed, over=fields), cin(fields, over=fields, maps=4)) |> linear(24)",
    ),
    (
        "AGRU and AIGRU by dynamic attention, and their preceding states",
        "
  states: dynamic_attention(history.item, over=history, hidden=12)
  weight: softmax(linear(states, 1), over=history)
  before_it: preceding(states, over=history)
  interest: concat(agru(before_it, weight, over=history, hidden=12), aigru(states, weight, over=history, hidden=12))",
    ),
    (
        "in-batch negatives",
        "
  mine: mean(history.item, over=history)
  others: twin(item, B, as=other)
  share: logsumexp(dot(mine, others), over=other)
  interest: mine",
    ),
];

fn graph(model: &str, goal: fn(&Spec) -> Goal) -> Graph {
    let din = std::fs::read_to_string("specs/din.yaml").unwrap();
    // Samples that see each other do so in a loss alone.
    let din = match model.contains("share:") {
        true => din.replacen("losses:\n", "losses:\n  apart: share - dot(mine, item)\n", 1),
        false => din,
    };
    let text = din.replacen("model:\n", &format!("model:{model}\n"), 1);
    let dins_own = |line: &&str| !line.contains("hidden=[80, 40], activation=dice");
    let text: Vec<&str> = text.lines().filter(dins_own).collect();
    let (mut sources, mut diags) = (Sources::default(), Diags::default());
    let text = text.join("\n");
    let spec = specrec::syntax::load_text("mix.yaml", &text, Path::new("specs"), &[], &mut sources, &mut diags);
    let program = spec.as_ref().and_then(|spec| specrec::lower::lower(spec, &mut sources, &mut diags));
    let Some((spec, program)) = spec.zip(program) else { panic!("{}", render_all(diags.list(), &sources, false)) };
    instantiate(&program.graph, goal(&spec), None).unwrap()
}

fn same_on_both(name: &str, graph: &Graph) {
    for samples in [1, 7] {
        let (theirs, ours) = step(graph, &weights(graph), &feed(graph, samples), &Schedule::new());
        let difference = difference(&theirs, &ours, 1e-3, 3e-4);
        assert_eq!(difference, None, "{name}, {samples} samples");
    }
}

#[test]
fn attentions_combine_freely() {
    for (name, model) in COMBINATIONS {
        same_on_both(name, &graph(model, |_| Goal::Gradients));
        same_on_both(name, &graph(model, |_| Goal::Predict));
    }
}
