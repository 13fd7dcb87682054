//! A graph that breaks each invariant, and one that breaks none.

use candle_core::Tensor;

use super::super::axis::Axis;
use super::super::op::{Call, Cotangents, Fault, Op, Vjp};
use super::super::read::{Registry, read};
use super::super::types::Space;
use super::*;
use crate::diag::FileId;
use crate::prim::{self, make};

/// An operation that is all that an inference graph may not hold.
#[derive(Debug)]
struct Dice(&'static str);

impl Op for Dice {
    fn name(&self) -> &'static str {
        self.0
    }

    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        Ok(vec![site.operands[0].clone()])
    }

    fn eval(&self, _: &Call) -> candle_core::Result<Vec<Tensor>> {
        candle_core::bail!("never executed")
    }

    fn vjp(&self, _: &mut Vjp) -> Result<Cotangents, Fault> {
        Ok(vec![None])
    }

    fn couples_samples(&self, _: &Site) -> bool {
        self.0 == "coupled"
    }

    fn is_composite(&self) -> bool {
        self.0 == "composite"
    }

    fn draws(&self) -> bool {
        self.0 == "drawn"
    }
}

const DICE: &[Dice] = &[Dice("coupled"), Dice("composite"), Dice("drawn")];

fn find(name: &str) -> Option<&'static dyn Op> {
    DICE.iter().find(|op| op.0 == name).map(|op| op as &dyn Op).or_else(|| prim::find(name))
}

const WHOLE: &str = "
  axis B: batch
  axis history: ragged(50) of B
  param @w: f32[4 x 1] = glorot
  state @m: f32[4 x 1] = 0
  state @v: f32[4 x 1] = 0
  input %x: f32[B, history, 4]
  input %keep: bool[B, history] = feature(keep) along history
  input %lr: f32[1] = schedule(lr)
  axis kept: sub of history where %keep
  %y: f32[B, history, 1] = linear(%x, @w)
  %l: f32[1] = sum(%y) {over: [B, history]}
  %g: f32[4 x 1] = outer_sum(%x, %y)
  loss l = %l
  update @w, @m, @v = adam(%g, %lr, %lr) {beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0}
";

fn graph(lines: &str) -> Graph {
    let text = format!("model m {{ {lines} }}");
    read(&text, FileId(0), Registry { op: find, effect: prim::find_effect }).unwrap()
}

/// The invariants that a graph breaks.
fn broken(graph: &Graph, stage: Stage) -> Vec<String> {
    let numbers = |finding: &Diagnostic| {
        let (_, number) = finding.title.rsplit_once('(').unwrap();
        number.trim_end_matches(')').to_owned()
    };
    verify(graph, stage).err().unwrap_or_default().iter().map(numbers).collect()
}

fn broken_text(more: &str, stage: Stage) -> Vec<String> {
    broken(&graph(&format!("{WHOLE}{more}")), stage)
}

#[test]
fn a_whole_graph_breaks_nothing() {
    assert_eq!(broken_text("", Stage::Training), [""; 0]);
    assert_eq!(broken_text("", Stage::Model), [""; 0]);
}

#[test]
fn v1_what_a_line_uses_stands_above_it() {
    let mut late = graph(WHOLE);
    let last = late.order.len() - 1;
    late.order.swap(last, last - 2);
    assert!(broken(&late, Stage::Training).contains(&"V1".to_owned()));
    let mut twice = graph(WHOLE);
    twice.order.push(twice.order[0]);
    assert_eq!(broken(&twice, Stage::Training), ["V1"]);
    let mut lacking = graph(WHOLE);
    lacking.order.pop();
    assert_eq!(broken(&lacking, Stage::Training), ["V1"]);
}

#[test]
fn v2_names_are_unique_and_can_be_read_back() {
    let mut graph = graph(WHOLE);
    let name = graph.values[3].name.clone();
    graph.values[4].name = name;
    graph.values[5].name = "a b".to_owned();
    assert_eq!(broken(&graph, Stage::Training), ["V2", "V2"]);
    let mut axes = Graph::default();
    for _ in 0..2 {
        let id = axes.axes.add(Axis { name: "a b".to_owned(), parent: None, kind: AxisKind::Batch });
        axes.order.push(Item::Axis(id));
    }
    assert_eq!(broken(&axes, Stage::Training), ["V2", "V2", "V5"]);
}

#[test]
fn v3_types_are_inferred_again() {
    let mut graph = graph(WHOLE);
    let y = graph.find("y").unwrap();
    graph.values[y.0 as usize].ty.width = 2;
    assert_eq!(broken(&graph, Stage::Training), ["V3", "V3", "V3"]);
    let mut attrs = self::graph(WHOLE);
    attrs.nodes[0].attrs = std::mem::take(&mut attrs.nodes[0].attrs).with("eps", 1.0);
    assert_eq!(broken(&attrs, Stage::Training), ["V3"]);
}

#[test]
fn v4_spaces_are_closed_and_extents_real() {
    let mut graph = graph("axis B: batch axis a: ragged of B input %x: f32[B, a, 1]");
    let a = graph.axes.find("a").unwrap();
    graph.values[0].ty.space = Space::from_closed(vec![a]);
    assert_eq!(broken(&graph, Stage::Training), ["V4"]);
    assert_eq!(broken_text("param @t: f32[B, 2] = 0", Stage::Training), ["V4"]);
    // One number for each candidate is a dense parameter of a table's size.
    assert_eq!(broken_text("axis |t|: rows of t param @t: f32[|t|, 2] = 0", Stage::Training), [""; 0]);
    assert_eq!(broken_text("param @u: bool[2] = 0", Stage::Training), ["V4"]);
    assert_eq!(broken_text("table @u: f32[2] = 0", Stage::Training), ["V4"]);
}

#[test]
fn v5_the_first_axis_is_the_batch_axis() {
    assert_eq!(broken(&graph("axis a: static(2) axis B: batch"), Stage::Training), ["V5", "V5"]);
    assert_eq!(broken(&graph("axis B: batch axis C: batch"), Stage::Training), ["V5"]);
    assert_eq!(broken(&graph("axis B: batch axis a: static(0)"), Stage::Training), ["V5"]);
    let mut orphan = graph("axis B: batch axis a: ragged of B axis b: twin of a");
    orphan.axes = Default::default();
    orphan.order.clear();
    let ragged = AxisKind::Ragged { max: None };
    for (name, kind) in [("B", AxisKind::Batch), ("a", ragged)] {
        let id = orphan.axes.add(Axis { name: name.to_owned(), parent: None, kind });
        orphan.order.push(Item::Axis(id));
    }
    assert_eq!(broken(&orphan, Stage::Training), ["V5"]);
}

#[test]
fn v6_a_condition_is_known_before_the_step() {
    assert_eq!(
        broken_text("%c: bool[B, history] = gt(%y, %l) axis k: sub of history where %c", Stage::Training),
        ["V6"]
    );
    assert_eq!(
        broken_text("%c: bool[B, history] = gt(%keep, %lr) axis k: sub of history where %c", Stage::Training),
        ["V6"]
    );
    assert_eq!(broken_text("input %c: bool[B] axis k: sub of history where %c", Stage::Training), ["V6"]);
}

#[test]
fn v7_losses_are_one_number() {
    assert_eq!(broken_text("loss other = %y", Stage::Training), ["V7"]);
}

#[test]
fn v8_a_parameter_is_changed_once() {
    let adam = "adam(%g, %lr, %lr) {beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0}";
    let states = "frozen @f: f32[4 x 1] = file state @a: f32[4 x 1] = 0 state @b: f32[4 x 1] = 0";
    assert_eq!(broken_text(&format!("{states} update @w, @a, @b = {adam}"), Stage::Training), ["V8"]);
    assert_eq!(broken_text(&format!("{states} update @f, @a, @b = {adam}"), Stage::Training), ["V8"]);
}

#[test]
fn v9_an_inference_graph_has_nothing_of_training() {
    let bare = "axis B: batch input %x: f32[B, 2] ";
    assert_eq!(broken(&graph(bare), Stage::Inference), [""; 0]);
    for more in ["%c: f32[B, 2] = coupled(%x)", "%c: f32[B, 2] = drawn(%x)", "%c: f32[2] = sum(%x) {over: B}"] {
        assert_eq!(broken(&graph(&format!("{bare}{more}")), Stage::Inference), ["V9"], "{more}");
    }
    for source in ["label(y)", "outcome(y)", "target(y)", "log_q(y)", "positives(y) along z", "weight", "schedule(y)"] {
        assert_eq!(
            broken(&graph(&format!("{bare} input %y: f32[1] = {source}")), Stage::Inference),
            ["V9"],
            "{source}"
        );
    }
    assert_eq!(broken(&graph(&format!("{bare} param @l: f32[1] = 0 loss l = @l")), Stage::Inference), ["V9"]);
}

#[test]
fn v10_a_composite_stands_in_a_model_graph_only() {
    let text = "axis B: batch input %x: f32[B, 2] %c: f32[B, 2] = composite(%x)";
    assert_eq!(broken(&graph(text), Stage::Model), [""; 0]);
    assert_eq!(broken(&graph(text), Stage::Training), ["V10"]);
    assert_eq!(broken(&graph(text), Stage::Inference), ["V10"]);
}

#[test]
fn v11_what_the_item_brings_stands_at_samples() {
    assert_eq!(broken(&graph("axis B: batch input %x: f32[B, 2] of item"), Stage::Inference), [""; 0]);
    assert_eq!(broken(&graph("axis B: batch input %x: f32[2] of item"), Stage::Model), ["V11"]);
}

#[test]
fn the_builder_makes_graphs_that_verify() {
    let mut to = super::super::build::Builder::new("built");
    let b = to.axis("B", None, AxisKind::Batch);
    let space = to.graph().axes().close(&[b]);
    let x = to.input("x", Type::f32(space, 3), InputSource::plain("x"));
    let sum = make::sum_rows(&mut to, x).unwrap();
    let total = make::sum_width(&mut to, sum).unwrap();
    to.loss("total", total);
    assert_eq!(broken(&to.finish(), Stage::Training), [""; 0]);
}
