//! Graphs that chance wires: whatever the choices, each node fits its operands, since what the builder refuses is left out.

use proptest::prelude::*;
use specrec::exec::feed::{Column, Feed};
use specrec::ir::axis::{AxisId, AxisKind};
use specrec::ir::build::Builder;
use specrec::ir::graph::{Graph, Init, Role, ValueId};
use specrec::ir::input::InputSource;
use specrec::ir::op::Fault;
use specrec::ir::rows::Rows;
use specrec::ir::types::{Elem, Space, Type};
use specrec::prim::make;

use crate::both::ROWS;

/// One node to be: an operation, its operands among what is there, and one thing more to choose.
pub(crate) type Choice = (usize, prop::sample::Index, prop::sample::Index, usize);

pub(crate) fn choices(most: usize) -> impl Strategy<Value = Vec<Choice>> {
    let choice = (0..STEPS.len(), any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..64usize);
    prop::collection::vec(choice, 4..most)
}

/// A graph under construction.
pub(crate) struct Maker {
    to: Builder,
    axes: Axes,
    /// Numbers to choose from, each with how many factors its largest product has.
    pool: Vec<(ValueId, u32)>,
    ids: Vec<ValueId>,
    /// Conditions of the history.
    keep: ValueId,
    table: ValueId,
    params: usize,
    smooth: bool,
}

/// The axes that a random graph may use.
struct Axes {
    batch: AxisId,
    history: AxisId,
    past: AxisId,
    steps: AxisId,
    kept: AxisId,
    heads: AxisId,
}

type Step = fn(&mut Maker, ValueId, ValueId, usize) -> Result<ValueId, Fault>;

/// Whether it has a derivative everywhere, what the result's number of factors is made of, and the operation.
const STEPS: &[(bool, Factors, Step)] = &[
    (true, Factors::One, |at, a, _, _| make::unary(&mut at.to, "tanh", a)),
    (true, Factors::One, |at, a, _, _| make::unary(&mut at.to, "sigmoid", a)),
    (true, Factors::Same, |at, a, _, _| make::unary(&mut at.to, "softplus", a)),
    (true, Factors::Same, |at, a, _, _| make::unary(&mut at.to, "gelu", a)),
    (true, Factors::Same, |at, a, _, _| make::unary(&mut at.to, "neg", a)),
    (true, Factors::Sum, |at, a, _, _| make::unary(&mut at.to, "square", a)),
    (false, Factors::Same, |at, a, _, _| make::unary(&mut at.to, "relu", a)),
    (false, Factors::Same, |at, a, _, _| make::unary(&mut at.to, "abs", a)),
    (false, Factors::Same, |at, a, _, _| make::leaky_relu(&mut at.to, a, 0.1)),
    (true, Factors::Same, |at, a, b, _| make::add(&mut at.to, a, b)),
    (true, Factors::Same, |at, a, b, _| make::sub(&mut at.to, a, b)),
    (true, Factors::Sum, |at, a, b, _| make::mul(&mut at.to, a, b)),
    (true, Factors::Same, |at, a, b, _| {
        let below = make::unary(&mut at.to, "softplus", b)?;
        let one = make::constant(&mut at.to, 1.0, 1)?;
        let below = make::add(&mut at.to, below, one)?;
        make::div(&mut at.to, a, below)
    }),
    (true, Factors::Same, |at, a, _, k| make::scale(&mut at.to, a, [-1.0, 0.0, 0.5, 1.0, 2.0][k % 5])),
    (true, Factors::Same, |at, a, _, k| {
        let number = make::constant(&mut at.to, [0.0, 1.0, -1.0, 0.25][k % 4], 1)?;
        if k % 8 < 4 { make::add(&mut at.to, a, number) } else { make::sub(&mut at.to, number, a) }
    }),
    (true, Factors::Same, |at, a, _, k| {
        let number = make::constant(&mut at.to, [1.0, 2.0, 3.0, -4.0][k % 4], 1)?;
        make::div(&mut at.to, a, number)
    }),
    (false, Factors::Same, |at, a, b, _| make::binary(&mut at.to, "max", a, b)),
    (false, Factors::Same, |at, a, b, _| make::binary(&mut at.to, "min", a, b)),
    (true, Factors::Same, |at, a, b, _| make::concat(&mut at.to, &[a, b])),
    (true, Factors::Sum, |at, a, b, _| {
        let (less, times) = (make::sub(&mut at.to, a, b)?, make::mul(&mut at.to, a, b)?);
        make::concat(&mut at.to, &[a, b, less, times])
    }),
    (true, Factors::Same, |at, a, _, k| {
        let width = at.to.ty(a).width;
        make::slice(&mut at.to, a, k as u32 % width, width)
    }),
    (true, Factors::Same, linear),
    (true, Factors::Same, linear),
    (true, Factors::Same, |at, a, b, k| {
        let (x, y) = (linear(at, a, b, k)?, linear(at, b, a, k)?);
        make::add(&mut at.to, x, y)
    }),
    (true, Factors::Sum, |at, a, b, _| make::dot(&mut at.to, a, b)),
    (true, Factors::Same, |at, a, _, _| make::sum_width(&mut at.to, a)),
    (true, Factors::Same, |at, a, _, k| {
        let over = at.axis_of(a, k)?;
        make::sum(&mut at.to, a, vec![over])
    }),
    (true, Factors::Same, |at, a, _, k| {
        let over = at.axis_of(a, k)?;
        let condition = at.condition(a, k);
        make::mean(&mut at.to, a, vec![over], condition)
    }),
    (true, Factors::One, |at, a, _, k| {
        let over = at.axis_of(a, k)?;
        let condition = at.condition(a, k);
        make::softmax(&mut at.to, a, vec![over], condition)
    }),
    (false, Factors::Same, |at, a, _, k| {
        let over = at.axis_of(a, k)?;
        let condition = at.condition(a, k);
        make::max_over(&mut at.to, a, vec![over], condition)
    }),
    (true, Factors::Same, |at, a, _, k| {
        let over = at.axis_of(a, k)?;
        let condition = at.condition(a, k);
        let end = if k % 2 == 0 { make::first } else { make::last };
        end(&mut at.to, a, vec![over], condition)
    }),
    (true, Factors::Sum, |at, a, b, k| {
        let over = at.axis_of(a, k)?;
        make::contract(&mut at.to, a, b, vec![over])
    }),
    (true, Factors::Sum, |at, a, b, k| {
        let over = at.axis_of(a, k)?;
        let product = make::mul(&mut at.to, a, b)?;
        make::sum(&mut at.to, product, vec![over])
    }),
    (true, Factors::Same, |at, a, _, _| make::twin(&mut at.to, a, at.axes.history, at.axes.past)),
    (true, Factors::Sum, attention),
    (true, Factors::Same, |at, a, _, _| make::select(&mut at.to, a, at.axes.history, at.axes.kept)),
    (true, Factors::Same, |at, a, _, _| make::unselect(&mut at.to, a, at.axes.history, at.axes.kept)),
    (true, Factors::Same, |at, a, b, _| make::append(&mut at.to, a, b, at.axes.history, at.axes.steps)),
    (true, Factors::Same, |at, a, _, _| make::without_last(&mut at.to, a, at.axes.history, at.axes.steps)),
    (true, Factors::Same, |at, a, _, k| {
        let over = at.axis_of(a, k)?;
        let neighbour = if k % 2 == 0 { make::following } else { make::preceding };
        neighbour(&mut at.to, a, None, over)
    }),
    (true, Factors::Same, |at, a, b, _| make::following(&mut at.to, a, Some(b), at.axes.history)),
    (true, Factors::Same, |at, a, _, _| make::split(&mut at.to, a, at.axes.heads)),
    (true, Factors::Same, |at, a, _, _| make::merge(&mut at.to, a, at.axes.heads)),
    (true, Factors::Same, |at, a, _, _| make::flatten(&mut at.to, a, at.axes.history)),
    (true, Factors::One, |at, a, _, _| {
        let width = at.to.ty(a).width;
        let (scale, shift) = (at.row(width)?, at.row(width)?);
        make::layer_norm(&mut at.to, a, scale, shift, 0.1)
    }),
    (true, Factors::Same, |at, a, b, _| {
        let condition = at.keep;
        make::choose(&mut at.to, condition, a, b)
    }),
    (true, Factors::One, |at, _, _, k| {
        let (table, id) = (at.table, at.ids[k % at.ids.len()]);
        make::lookup(&mut at.to, "movie", table, id)
    }),
    (true, Factors::One, |at, _, _, k| {
        let (first, second) = (at.ids[k % at.ids.len()], at.ids[k / 8 % at.ids.len()]);
        make::binary(&mut at.to, "eq", first, second)
    }),
    (true, Factors::One, |at, a, _, _| {
        let space = at.to.ty(a).space.axes().to_vec();
        let over = space.last().copied().into_iter().collect();
        make::count(&mut at.to, space, over)
    }),
    (true, Factors::One, recurrence),
];

/// Products of products grow beyond what single precision adds up; this bounds them.
#[derive(Clone, Copy)]
enum Factors {
    One,
    Same,
    Sum,
}

const MOST_FACTORS: u32 = 3;
const MOST_WIDTH: u32 = 16;
const MOST_AXES: usize = 4;

fn linear(at: &mut Maker, a: ValueId, _: ValueId, k: usize) -> Result<ValueId, Fault> {
    let (height, width) = (at.to.ty(a).width, k as u32 % 4 + 1);
    let w = at.param(Type::matrix(height, width))?;
    let b = if k % 8 < 4 { Some(at.row(width)?) } else { None };
    make::linear(&mut at.to, a, w, b)
}

/// Events of the history read each other, all or only those before them.
fn attention(at: &mut Maker, a: ValueId, _: ValueId, k: usize) -> Result<ValueId, Fault> {
    let (history, past) = (at.axes.history, at.axes.past);
    let other = make::twin(&mut at.to, a, history, past)?;
    let score = make::dot(&mut at.to, a, other)?;
    let condition = match k % 3 {
        0 => None,
        strict => Some(make::before(&mut at.to, past, history, strict == 1)?),
    };
    let weight = make::softmax(&mut at.to, score, vec![past], condition)?;
    if k.is_multiple_of(2) {
        return make::contract(&mut at.to, weight, other, vec![past]);
    }
    let weighed = make::mul(&mut at.to, weight, other)?;
    make::sum(&mut at.to, weighed, vec![past])
}

/// `s' = tanh(s w + x)` along the history.
fn recurrence(at: &mut Maker, a: ValueId, _: ValueId, _: usize) -> Result<ValueId, Fault> {
    let width = at.to.ty(a).width;
    let mut body = Builder::new("body");
    let sequences = body.axis("sequences", None, AxisKind::Batch);
    let space = body.graph().axes().close(&[sequences]);
    let input = |body: &mut Builder, name: &str, ty: Type| body.input(name, ty, InputSource::plain(name));
    let x = input(&mut body, "x", Type::f32(space.clone(), width));
    let s = input(&mut body, "s", Type::f32(space, width));
    let w = input(&mut body, "w", Type::matrix(width, width));
    let moved = make::linear(&mut body, s, w, None)?;
    let sum = make::add(&mut body, moved, x)?;
    let next = make::unary(&mut body, "tanh", sum)?;
    body.output("s", next);
    let (first, w) = (at.row(width)?, at.param(Type::matrix(width, width))?);
    let states = make::scan(&mut at.to, &[a, first, w], at.axes.history, body.finish())?;
    states.first().copied().ok_or_else(|| Fault::new("E0399", "no states"))
}

impl Maker {
    fn new(smooth: bool) -> Result<Self, Fault> {
        let mut to = Builder::new("random");
        let batch = to.axis("B", None, AxisKind::Batch);
        let history = to.axis("history", Some(batch), AxisKind::Ragged { max: Some(5) });
        let tags = to.axis("history.tags", Some(history), AxisKind::Ragged { max: None });
        let slate = to.axis("slate", Some(batch), AxisKind::Ragged { max: None });
        let past = to.axis("past", Some(batch), AxisKind::Twin { of: history });
        let steps = to.axis("steps", Some(batch), AxisKind::Appended { of: history });
        let heads = to.axis("heads", None, AxisKind::Static { len: 2 });
        let space = |to: &Builder, axis: AxisId| to.graph().axes().close(&[axis]);
        let mut input = |name: &str, axis: AxisId, ty: fn(Space) -> Type| {
            let ty = ty(space(&to, axis));
            to.input(name, ty, InputSource::plain(name))
        };
        let query = input("query", batch, |space| Type::f32(space, 4));
        let keys = input("history.keys", history, |space| Type::f32(space, 4));
        let score = input("history.score", history, |space| Type::f32(space, 1));
        let tag = input("history.tags.tag", tags, |space| Type::f32(space, 2));
        let slots = input("slate.slots", slate, |space| Type::f32(space, 4));
        let keep = input("history.keep", history, Type::bool);
        let movie = input("movie", batch, |space| Type::id("movie", space));
        let events = input("history.movie", history, |space| Type::id("movie", space));
        let kept = to.axis("history|kept", Some(batch), AxisKind::Sub { of: history, condition: keep });
        let rows = to.table_axis("movie", false);
        let ty = Type::f32(space(&to, rows), 4);
        let table = to.param("movie", ty, Init::Normal { std: 0.5 }, Role::Table)?;
        let appended = make::append(&mut to, events, movie, history, steps)?;
        let selected = make::select(&mut to, events, history, kept)?;
        let axes = Axes { batch, history, past, steps, kept, heads };
        let pool = [query, keys, score, tag, slots].map(|value| (value, 1)).to_vec();
        Ok(Self { to, axes, pool, ids: vec![movie, events, appended, selected], keep, table, params: 0, smooth })
    }

    fn param(&mut self, ty: Type) -> Result<ValueId, Fault> {
        self.params += 1;
        self.to.param(&format!("p{}", self.params), ty, Init::Normal { std: 0.4 }, Role::Weight)
    }

    fn row(&mut self, width: u32) -> Result<ValueId, Fault> {
        self.param(Type::f32(Space::unit(), width))
    }

    /// An axis of a value that is not the batch.
    fn axis_of(&self, value: ValueId, k: usize) -> Result<AxisId, Fault> {
        let axes: Vec<AxisId> =
            self.to.ty(value).space.axes().iter().copied().filter(|&axis| axis != self.axes.batch).collect();
        axes.get(k / 8 % axes.len().max(1)).copied().ok_or_else(|| Fault::new("E0399", "no axis"))
    }

    /// A condition of the value's rows, where the inputs have one.
    fn condition(&self, value: ValueId, k: usize) -> Option<ValueId> {
        (k.is_multiple_of(2) && self.to.ty(value).space.has(self.axes.history)).then_some(self.keep)
    }

    fn step(&mut self, &(which, a, b, k): &Choice) {
        let (smooth, factors, make) = STEPS[which];
        if self.smooth && !smooth {
            return;
        }
        // What the first choice does not fit may fit one after it.
        let (a, (b, of_b)) = (a.index(self.pool.len()), *b.get(&self.pool));
        for at in a..a + self.pool.len() {
            let (a, of_a) = self.pool[at % self.pool.len()];
            let factors = match factors {
                Factors::One => 1,
                Factors::Same => of_a.max(of_b),
                Factors::Sum => of_a + of_b,
            };
            if factors > MOST_FACTORS {
                continue;
            }
            if let Ok(value) = make(self, a, b, k) {
                let ty = self.to.ty(value);
                if ty.is_float() && ty.width <= MOST_WIDTH && ty.space.axes().len() <= MOST_AXES {
                    self.pool.push((value, factors));
                }
                return;
            }
        }
    }

    /// The last values are outputs, and a loss is made of them and of a bounded function of their sums.
    fn finish(mut self, losses: bool) -> Result<Graph, Fault> {
        let last: Vec<ValueId> = self.pool.iter().rev().take(3).map(|&(value, _)| value).collect();
        let mut total = make::constant(&mut self.to, 0.0, 1)?;
        for (i, &value) in last.iter().enumerate() {
            self.to.output(&format!("out.{i}"), value);
            if losses {
                let row = make::sum_width(&mut self.to, value)?;
                let bounded = make::unary(&mut self.to, "tanh", row)?;
                let sum = make::sum_rows(&mut self.to, bounded)?;
                total = make::add(&mut self.to, total, sum)?;
            }
        }
        if losses {
            self.to.loss("loss", total);
        }
        Ok(self.to.finish())
    }
}

/// The graph of some choices; `losses` gives it a loss, and then every operation has a derivative everywhere.
pub(crate) fn graph(choices: &[Choice], losses: bool) -> Graph {
    let mut maker = Maker::new(losses).unwrap();
    choices.iter().for_each(|choice| maker.step(choice));
    maker.finish(losses).unwrap()
}

/// Rows for a random graph: `lengths` of the histories, and everything else by a rule of the place.
pub(crate) fn feed(graph: &Graph, lengths: &[u8]) -> Feed {
    let samples = lengths.len();
    let mut feed = Feed { samples, ids: (0..samples as u64).map(|id| id * 7 + 3).collect(), ..Feed::default() };
    let starts = |lengths: &mut dyn Iterator<Item = u32>| {
        let mut offsets = vec![0u32];
        offsets.extend(lengths.scan(0, |total, length| {
            *total += length;
            Some(*total)
        }));
        offsets
    };
    let history = starts(&mut lengths.iter().map(|&length| u32::from(length)));
    let events = *history.last().unwrap();
    feed.offsets.insert("history.tags".to_owned(), starts(&mut (0..events).map(|event| event * 5 % 3)));
    feed.offsets.insert("slate".to_owned(), starts(&mut (0..samples as u32).map(|sample| sample * 3 % 4)));
    feed.offsets.insert("history".to_owned(), history);
    let axes: Vec<&str> = graph.axes().ids().map(|axis| graph.axis(axis).name.as_str()).collect();
    feed.offsets.retain(|name, _| axes.contains(&name.as_str()));
    let rows = Rows::new(graph.axes(), &feed.ids, &feed.offsets).unwrap();
    for (_, input) in graph.inputs() {
        let value = graph.value(input.value);
        let count = rows.count(&value.ty.space) * value.ty.width as usize;
        let salt = value.name.len();
        let column = match value.ty.elem {
            Elem::F32 => Column::F32((0..count).map(|i| (((i * 29 + salt * 13) % 41) as f32 - 20.0) / 16.0).collect()),
            Elem::Bool => Column::F32((0..count).map(|i| ((i * 5 + 1) % 3).min(1) as f32).collect()),
            _ => Column::U32((0..count as u32).map(|i| (i * 5 + 1) % ROWS).collect()),
        };
        feed.columns.insert(value.name.clone(), column);
    }
    feed
}
