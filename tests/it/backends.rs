//! The host backend gives what the Candle reference gives, to rounding, and the same bits at any number of threads.

use std::collections::BTreeMap;

use candle_core::Device;
use specrec::exec::candle::{Outputs, Reference};
use specrec::exec::feed::{Column, Feed};
use specrec::exec::host::Host;
use specrec::exec::prologue::Prologue;
use specrec::exec::weights::Weights;
use specrec::ir::axis::AxisKind;
use specrec::ir::build::Builder;
use specrec::ir::graph::{Graph, Init, Role};
use specrec::ir::input::InputSource;
use specrec::ir::op::Noise;
use specrec::ir::types::{Space, Type};
use specrec::pass::differentiate::differentiate;
use specrec::prim::make;

/// A small attention: scores of keys against a query, their weighted sum, and the gradients of a loss of it.
fn attention() -> Graph {
    let mut to = Builder::new("attention");
    let b = to.axis("B", None, AxisKind::Batch);
    let history = to.axis("history", Some(b), AxisKind::Ragged { max: None });
    let axes = to.graph().axes().clone();
    let label = |label: &str| InputSource::Label { axis: None, label: label.to_owned() };
    let query = to.input("query", Type::f32(axes.close(&[b]), 5), label("query"));
    let keys = to.input("keys", Type::f32(axes.close(&[history]), 5), label("keys"));
    let mut param = |name: &str, ty: Type| to.param(name, ty, Init::Normal { std: 0.5 }, Role::Weight).unwrap();
    let hidden = param("hidden.w", Type::matrix(5, 7));
    let bias = param("hidden.b", Type::f32(Space::unit(), 7));
    let side = param("side.w", Type::matrix(5, 7));
    let out = param("out.w", Type::matrix(7, 1));
    let product = make::mul(&mut to, query, keys).unwrap();
    let from_keys = make::linear(&mut to, product, hidden, Some(bias)).unwrap();
    let from_query = make::linear(&mut to, query, side, None).unwrap();
    let joined = make::add(&mut to, from_keys, from_query).unwrap();
    let activated = make::unary(&mut to, "exp", joined).unwrap();
    let score = make::linear(&mut to, activated, out, None).unwrap();
    let weighted = make::mul(&mut to, score, keys).unwrap();
    let interest = make::sum(&mut to, weighted, vec![history]).unwrap();
    let squared = make::mul(&mut to, interest, interest).unwrap();
    let row = make::sum_width(&mut to, squared).unwrap();
    let loss = make::sum(&mut to, row, vec![b]).unwrap();
    to.output("interest", interest);
    to.loss("loss", loss);
    differentiate(&to.finish()).unwrap()
}

fn feed(lengths: &[u32]) -> Feed {
    let mut offsets = vec![0u32];
    for length in lengths {
        offsets.push(offsets.last().unwrap() + length);
    }
    let events = *offsets.last().unwrap() as usize;
    let numbers = |count: usize, by: f32| (0..count).map(|i| (i as f32 * by).sin() * 0.5).collect::<Vec<_>>();
    Feed {
        samples: lengths.len(),
        offsets: BTreeMap::from([("history".to_owned(), offsets)]),
        columns: BTreeMap::from([
            ("query".to_owned(), Column::F32(numbers(lengths.len() * 5, 0.7))),
            ("keys".to_owned(), Column::F32(numbers(events * 5, 0.3))),
        ]),
        ids: (0..lengths.len() as u64).collect(),
    }
}

fn host(graph: &Graph, feed: &Feed, threads: usize) -> Outputs {
    let mut weights = Weights::initial(graph, &BTreeMap::new(), &BTreeMap::new(), 1).unwrap();
    let batch = Prologue::of(graph).prepare(graph, feed, &BTreeMap::new(), Noise::default()).unwrap();
    let mut host = Host::new(graph.clone(), threads).unwrap();
    assert!(host.plan().without_kernel.is_empty(), "{:?}", host.plan().without_kernel);
    host.step(&mut weights, &batch, &BTreeMap::new(), Noise::default()).unwrap()
}

fn reference(graph: &Graph, feed: &Feed) -> Outputs {
    let weights = Weights::initial(graph, &BTreeMap::new(), &BTreeMap::new(), 1).unwrap();
    let batch = Prologue::of(graph).prepare(graph, feed, &BTreeMap::new(), Noise::default()).unwrap();
    let mut reference = Reference::new(&weights, Device::Cpu).unwrap();
    reference.step(graph, &batch, &BTreeMap::new(), Noise::default()).unwrap()
}

#[test]
fn host_equals_reference_with_gradients() {
    let graph = attention();
    let lengths: Vec<u32> = (0..300).map(|i| (i * 7) % 23).collect();
    for lengths in [&lengths[..], &[0, 0, 0], &[1], &[0, 50, 1]] {
        let feed = feed(lengths);
        let (ours, theirs) = (host(&graph, &feed, 2), reference(&graph, &feed));
        assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
        for (name, ours) in &ours {
            let (Column::F32(ours), Column::F32(theirs)) = (ours, &theirs[name]) else { panic!("{name}") };
            let scale = theirs.iter().fold(1e-3f32, |scale, x| scale.max(x.abs()));
            assert_eq!(ours.len(), theirs.len(), "{name}");
            for (a, b) in ours.iter().zip(theirs) {
                assert!((a - b).abs() <= 1e-4 * scale, "{name}: {a} {b}");
            }
        }
    }
}

#[test]
fn bits_do_not_depend_on_threads() {
    let graph = attention();
    let lengths: Vec<u32> = (0..500).map(|i| (i * 13) % 31).collect();
    let feed = feed(&lengths);
    assert_eq!(host(&graph, &feed, 1), host(&graph, &feed, 3));
}
