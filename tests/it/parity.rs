//! Losses, outputs and every gradient against an independent PyTorch oracle, on both backends. Fixtures and the script
//! that computed them are in `tests/parity`.

mod cases;
mod empty;
mod hidden;
mod library;

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::Device;
use safetensors::tensor::{Dtype, SafeTensors};
use specrec::diag::render::render_all;
use specrec::diag::{Diags, Sources};
use specrec::exec::candle::{Outputs, Reference, Schedule};
use specrec::exec::feed::{Column, Feed};
use specrec::exec::host::Host;
use specrec::exec::matrix::Matrix;
use specrec::exec::prologue::Prologue;
use specrec::exec::weights::Weights;
use specrec::ir::axis::AxisKind;
use specrec::ir::graph::Graph;
use specrec::ir::op::Noise;
use specrec::lower::lower;
use specrec::pass::{Goal, instantiate};
use specrec::syntax::spec::Spec;

/// A fixture, the spec that says the same, and what it is told besides.
const TRAINING: &[(&str, &str, &[&str])] = &[
    (
        "base",
        "specs/base.yaml",
        &["model.logit=concat(item, interest, item * interest) |> mlp([9, 7], activation=relu) |> linear(1)"],
    ),
    (
        "deepfm",
        "specs/deepfm.yaml",
        &[
            "model.deep=concat(movie, genres, interest) |> mlp([9, 7], activation=relu) |> linear(1)",
            "features.movie.dim=6",
            "features.genres.dim=6",
        ],
    ),
    ("din_raw", "specs/din.yaml", &[]),
    (
        "din_softmax",
        "specs/din.yaml",
        &["model.interest=din(item, history.item, over=history, hidden=[80, 40], activation=dice, weights=softmax)"],
    ),
    (
        "din_scaled_softmax",
        "specs/din.yaml",
        &[
            "model.interest=din(item, history.item, over=history, hidden=[6, 5], activation=dice, weights=scaled_softmax)",
            SMALL_TOP,
        ],
    ),
    (
        "din_sigmoid_unit",
        "specs/din.yaml",
        &["model.interest=din(item, history.item, over=history, hidden=[6, 5], activation=sigmoid)", SMALL_TOP],
    ),
    (
        "din_prelu",
        "specs/din.yaml",
        &[
            "model.interest=din(item, history.item, over=history, hidden=[6, 5], activation=prelu)",
            "model.logit=concat(item, interest, item * interest) |> mlp([9, 7], activation=prelu) |> linear(1)",
        ],
    ),
    (
        "din_no_events",
        "specs/din.yaml",
        &["model.interest=din(item, history.item, over=history, hidden=[6, 5], activation=dice)", SMALL_TOP],
    ),
    (
        "din_one_event",
        "specs/din.yaml",
        &["model.interest=din(item, history.item, over=history, hidden=[6, 5], activation=dice)", SMALL_TOP],
    ),
];

const EVALUATION: &[(&str, &str, &[&str])] = &[
    (
        "din_raw_eval",
        "specs/din.yaml",
        &["model.interest=din(item, history.item, over=history, hidden=[6, 5], activation=dice)", SMALL_TOP],
    ),
    (
        "din_softmax_eval",
        "specs/din.yaml",
        &[
            "model.interest=din(item, history.item, over=history, hidden=[6, 5], activation=dice, weights=softmax)",
            SMALL_TOP,
        ],
    ),
];

const SMALL_TOP: &str =
    "model.logit=concat(item, interest, item * interest) |> mlp([9, 7], activation=dice) |> linear(1)";

/// Tensors of a fixture by key.
struct Fixture {
    floats: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
    places: BTreeMap<String, Vec<u32>>,
}

impl Fixture {
    fn read(name: &str) -> Self {
        let bytes = std::fs::read(format!("tests/parity/fixtures/{name}.safetensors")).unwrap();
        let (mut floats, mut places) = (BTreeMap::new(), BTreeMap::new());
        for (key, view) in SafeTensors::deserialize(&bytes).unwrap().tensors() {
            let words = view.data().chunks_exact(4).map(|b| [b[0], b[1], b[2], b[3]]);
            match view.dtype() {
                Dtype::F32 => {
                    drop(floats.insert(key, (view.shape().to_vec(), words.map(f32::from_le_bytes).collect())))
                }
                _ => drop(places.insert(key, words.map(u32::from_le_bytes).collect())),
            }
        }
        Self { floats, places }
    }

    fn under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (String, &'a (Vec<usize>, Vec<f32>))> {
        self.floats.iter().filter_map(move |(key, value)| Some((key.strip_prefix(prefix)?.to_owned(), value)))
    }

    /// The weights by the paths that lowering gives them.
    fn weights(&self) -> Weights {
        let mut weights = Weights::default();
        for (path, (shape, data)) in self.under("weight/") {
            let width = *shape.last().unwrap();
            weights.insert(&path_of(path), Matrix::new(data.len() / width, width, data.clone()));
        }
        for (path, (_, data)) in self.under("stat/") {
            let (unit, statistic) = path.rsplit_once('.').unwrap();
            let path = format!("{unit}.dice.{statistic}");
            weights.insert(&path, Matrix::new(1, data.len(), data.clone()));
        }
        weights
    }

    fn feed(&self) -> Feed {
        let mut feed = Feed::default();
        for (key, values) in &self.places {
            match key.strip_prefix("batch/").unwrap() {
                name if name.starts_with("offsets.") => {
                    feed.offsets.insert(name.strip_prefix("offsets.").unwrap().to_owned(), values.clone());
                }
                name => drop(feed.columns.insert(name.to_owned(), Column::U32(values.clone()))),
            }
        }
        for (name, (_, values)) in self.under("batch/") {
            feed.columns.insert(name, Column::F32(values.clone()));
        }
        feed.samples = self.places["batch/movie"].len();
        feed.ids = (0..feed.samples as u64).collect();
        feed
    }
}

fn graph(path: &str, sets: &[&str], goal: impl Fn(&Spec) -> Goal<'_>) -> Graph {
    let (mut sources, mut diags) = (Sources::default(), Diags::default());
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    let spec = specrec::syntax::load(Path::new(path), &sets, &mut sources, &mut diags);
    let program = spec.as_ref().and_then(|spec| lower(spec, &mut sources, &mut diags));
    let Some((spec, program)) = spec.zip(program) else { panic!("{}", render_all(diags.list(), &sources, false)) };
    instantiate(&program.graph, goal(&spec), None).unwrap()
}

/// What both backends make of the weights of a fixture and a batch, by name of the output.
fn computed(graph: &Graph, fixture: &Fixture, feed: &Feed) -> Vec<(&'static str, Outputs)> {
    let mut weights = fixture.weights();
    let rows = weights.table_rows(graph);
    weights.complete(graph, &rows, &BTreeMap::new(), 1).unwrap();
    let batch = Prologue::of(graph).prepare(graph, feed, &rows, Noise::default()).unwrap();
    let reference =
        Reference::new(&weights, Device::Cpu).unwrap().step(graph, &batch, &Schedule::new(), Noise::default());
    let mut host = Host::new(graph.clone(), 2).unwrap();
    let host = host.step(&mut weights, &batch, &Schedule::new(), Noise::default());
    vec![("reference", reference.unwrap()), ("host", host.unwrap())]
}

fn floats(outputs: &Outputs, name: &str) -> Vec<f32> {
    match &outputs[name] {
        Column::F32(values) => values.clone(),
        Column::U32(_) => panic!("{name} is not of floats"),
    }
}

fn near(what: &str, ours: &[f32], theirs: &[f32], floor: f32, tolerance: f32) {
    assert_eq!(ours.len(), theirs.len(), "{what}: number of values");
    let scale = theirs.iter().fold(floor, |scale, x| scale.max(x.abs()));
    for (i, (a, b)) in ours.iter().zip(theirs).enumerate() {
        assert!((a - b).abs() <= tolerance * scale, "{what}[{i}]: {a}, expected {b} (scale {scale})");
    }
}

/// Holds losses and the gradients of their sum against the fixture, on both backends. A loss without a
/// name is `click`. The fixture knows every parameter that the graph trains.
fn hold(name: &str, graph: &Graph, tolerance: f32) {
    let fixture = Fixture::read(name);
    let weights = fixture.weights();
    let rows = weights.table_rows(graph);
    let batch = Prologue::of(graph).prepare(graph, &fixture.feed(), &rows, Noise::default()).unwrap();
    let largest = fixture.under("grad/").flat_map(|(_, (_, g))| g.iter()).fold(0f32, |a, g| a.max(g.abs()));
    let named = fixture.under("loss/").map(|(loss, (_, value))| (loss, value));
    let losses: Vec<_> =
        named.chain(fixture.floats.get("loss").map(|(_, value)| ("click".to_owned(), value))).collect();
    let paths: Vec<String> = fixture.under("grad/").map(|(path, _)| path_of(path)).collect();
    for root in graph.outputs() {
        let known = root.name.strip_prefix("d.").is_none_or(|path| paths.iter().any(|known| known == path));
        assert!(known, "{name}: the fixture has no {}", root.name);
    }
    for (backend, outputs) in computed(graph, &fixture, &fixture.feed()) {
        let at = |what: &str| format!("{name} on {backend}: {what}");
        for (loss, value) in &losses {
            near(&at(loss), &floats(&outputs, loss), value, 1e-3, 1e-5);
        }
        for (path, (_, expected)) in fixture.under("grad/") {
            let path = path_of(path);
            let Some(root) = graph.outputs().iter().find(|root| root.name == format!("d.{path}")) else {
                assert!(expected.iter().all(|g| *g == 0.0), "{}", at(&format!("no gradient of {path}")));
                continue;
            };
            let mut own = floats(&outputs, &root.name);
            let axis = graph.ty(root.value).space.axes().first().copied();
            if let Some(axis) = axis.filter(|&axis| matches!(graph.axis(axis).kind, AxisKind::Unique { .. })) {
                let whole = weights.get(&path).unwrap();
                let mut dense = vec![0.0; whole.rows() * whole.width()];
                for (row, g) in batch.rows.unique(axis).iter().zip(own.chunks(whole.width())) {
                    dense[*row as usize * whole.width()..][..whole.width()].copy_from_slice(g);
                }
                own = dense;
            }
            near(&at(&path), &own, expected, 1e-3 * largest, tolerance);
        }
    }
}

/// The path that lowering gives a weight of a fixture.
fn path_of(path: String) -> String {
    path.strip_prefix("table.").map(str::to_owned).unwrap_or(path)
}

#[test]
fn losses_and_gradients_are_those_of_the_oracle() {
    for (name, spec, sets) in TRAINING {
        // Dice of a single row divides by the root of 1e-8.
        let tolerance = if *name == "din_one_event" { 2e-3 } else { 2e-4 };
        hold(name, &graph(spec, sets, |_| Goal::Gradients), tolerance);
    }
}

/// Each group by itself, so that a failure names all of its fixtures that fail.
fn hold_group((common, cases): &(&[&str], &[cases::Case])) {
    let mut failed = Vec::new();
    for (name, spec, sets) in *cases {
        let sets: Vec<&str> = common.iter().chain(*sets).copied().collect();
        let held = std::panic::catch_unwind(|| {
            hold(name, &graph(spec, &sets, |_| Goal::Gradients), 2e-4);
            hold_outputs(name, &graph(spec, &sets, |_| Goal::Predict));
        });
        failed.extend(held.is_err().then_some(*name));
    }
    assert_eq!(failed, Vec::<&str>::new());
}

/// What a model predicts is what it would have trained on: these have neither dropout nor batch statistics in what they give.
fn hold_outputs(name: &str, graph: &Graph) {
    let fixture = Fixture::read(name);
    for (backend, outputs) in computed(graph, &fixture, &fixture.feed()) {
        for (output, (_, expected)) in fixture.under("output/") {
            near(&format!("{name} on {backend}: {output}"), &floats(&outputs, &output), expected, 1e-3, 1e-5);
        }
    }
}

#[test]
fn interests_are_those_of_the_papers() {
    hold_group(&cases::GROUPS[0]);
}

#[test]
fn interactions_of_fields_are_those_of_the_papers() {
    hold_group(&cases::GROUPS[1]);
}

#[test]
fn losses_against_drawn_items_are_those_of_the_papers() {
    hold_group(&cases::GROUPS[2]);
}

#[test]
fn transformers_over_sequences_are_those_of_the_papers() {
    hold_group(&cases::GROUPS[3]);
}

#[test]
fn evaluation_uses_running_statistics_as_the_oracle_does() {
    for (name, spec, sets) in EVALUATION {
        let fixture = Fixture::read(name);
        let graph = graph(spec, sets, |_| Goal::Predict);
        for (backend, outputs) in computed(&graph, &fixture, &fixture.feed()) {
            near(
                &format!("{name} on {backend}"),
                &floats(&outputs, "ctr"),
                &fixture.floats["output/ctr"].1,
                1e-3,
                1e-5,
            );
        }
    }
}
