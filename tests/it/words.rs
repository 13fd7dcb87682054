//! An attention of a spec's own that says a shipped one in other words comes out of the passes as the same graph, up to
//! names: the shipped ones have no privilege.

use std::collections::BTreeMap;
use std::path::Path;

use specrec::diag::render::render_all;
use specrec::diag::{Diags, Sources};
use specrec::ir::graph::Graph;
use specrec::pass::{Goal, instantiate};

/// `din(item, history.item, over=history, hidden=[80, 40], activation=dice)` in other words.
const OTHER_WORDS: &[(&str, &str)] = &[
    (
        "layers one by one, products the other way round",
        "
  mine(candidate, events, along):
    product: events * candidate
    first: concat(candidate, events, candidate - events, product) |> linear(80) |> dice
    second: first |> linear(40) |> dice
    return: sum(events * linear(second, 1), over=along)",
    ),
    (
        "negations, nested lists, a bias of its own, a part said twice",
        "
  mine(candidate, events, along):
    pair: concat(concat(candidate, events), concat(-(events - candidate), candidate * events))
    hidden: mlp(pair, [80, 40], activation=dice)
    bias: param(1, init=zeros)
    strength: linear(hidden, 1, bias=false) + bias
    return: sum(strength * events, over=along)",
    ),
    (
        "an activation of its own",
        "
  mine(candidate, events, along):
    pair: concat(candidate, events, candidate + -1 * events, candidate * events)
    return: mlp(pair, [80, 40], activation=bent) |> linear(1) |> gather_up(events, along)
  bent(x):
    slope: param(width(x), init=zeros)
    part: sigmoid(batch_norm(x, eps=1e-8, momentum=0.1, affine=false))
    return: (slope * (-part + 1) + part) * x
  gather_up(strength, values, along):
    return: sum(strength * values / 1, over=along)",
    ),
];

fn instantiated(block: &str, interest: &str, training: bool) -> Graph {
    let din = std::fs::read_to_string("specs/din.yaml").unwrap();
    let text = format!("{din}\nblocks:{block}\n");
    let sets = [format!("model.interest={interest}")];
    let (mut sources, mut diags) = (Sources::default(), Diags::default());
    let spec = specrec::syntax::load_text("words.yaml", &text, Path::new("specs"), &sets, &mut sources, &mut diags);
    let program = spec.as_ref().and_then(|spec| specrec::lower::lower(spec, &mut sources, &mut diags));
    let Some((spec, program)) = spec.zip(program) else { panic!("{}", render_all(diags.list(), &sources, false)) };
    let goal = if training { Goal::Train(&spec.train) } else { Goal::Predict };
    instantiate(&program.graph, goal, None).unwrap()
}

/// The text of a graph with every name of a value, a parameter or a stream replaced by the number of its first place.
fn without_names(graph: &Graph) -> String {
    let text = graph.to_string();
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    let (mut plain, mut rest) = (String::new(), text.as_str());
    while let Some(at) = rest.find(['%', '@', '"']) {
        let (before, from) = rest.split_at(at);
        let end = match from.strip_prefix('"') {
            Some(quoted) => quoted.find('"').unwrap() + 2,
            None => from[1..].find(|c: char| !c.is_alphanumeric() && c != '_' && c != '.').unwrap() + 1,
        };
        let known = numbers.len();
        let number = numbers.entry(from[..end].trim_matches('"').to_owned()).or_insert(known);
        plain.push_str(&format!("{before}{}{number}", &from[..1]));
        rest = &from[end..];
    }
    plain + rest
}

#[test]
fn din_in_other_words_is_the_same_graph() {
    for training in [true, false] {
        let shipped =
            instantiated(" {}", "din(item, history.item, over=history, hidden=[80, 40], activation=dice)", training);
        let expected = without_names(&shipped);
        for (words, block) in OTHER_WORDS {
            let own = without_names(&instantiated(block, "mine(item, history.item, history)", training));
            for (own, expected) in own.lines().zip(expected.lines()) {
                assert_eq!(own, expected, "{words}");
            }
            assert_eq!(own.lines().count(), expected.lines().count(), "{words}");
        }
    }
}

/// The comparison tells graphs apart that differ in more than names.
#[test]
fn another_attention_is_another_graph() {
    let graph = |interest: &str| without_names(&instantiated(" {}", interest, false));
    let din = graph("din(item, history.item, over=history)");
    assert_eq!(din, graph("din(item, history.item, over=history, activation=sigmoid)"));
    assert_ne!(din, graph("din(item, history.item, over=history, activation=tanh)"));
    assert_ne!(din, graph("din(item, history.item, over=history, weights=softmax)"));
}
