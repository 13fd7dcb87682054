//! Stages of attention: group by group, each with its rows of queries and of keys.

use crate::ir::graph::{Graph, Node};
use crate::prim::attention::Noise;
use crate::prim::philox::Stream;

use super::super::kernels::attention::{Attention, AttentionGrad, Dropped};
use super::super::kernels::noise::Mask;
use super::block::Block;
use super::group::{Order, put_back, taken};
use super::several::Several;
use super::stage::Stage;

/// What a node says.
#[derive(Clone)]
struct Told {
    heads: usize,
    width: usize,
    scale: f32,
    causal: bool,
    rate: f64,
    stream: String,
}

impl Told {
    fn of(graph: &Graph, node: &Node) -> Self {
        let width = graph.ty(node.results[0]).width as usize;
        let heads = (node.attrs.int("heads") as usize).max(1);
        Self {
            heads,
            width: width / heads,
            scale: node.attrs.float("scale") as f32,
            causal: node.attrs.flag("causal"),
            rate: node.attrs.float("rate"),
            stream: node.attrs.text("stream").to_owned(),
        }
    }
}

/// Rows of one operand by group.
struct Side<'a> {
    order: Order,
    width: usize,
    reads: Vec<std::borrow::Cow<'a, [f32]>>,
}

impl<'a> Side<'a> {
    /// Operands of the same space, sorted by group unless they are already.
    fn of(groups: &[u32], count: usize, width: usize, reads: &[&'a [f32]]) -> Self {
        let order = Order::of(groups, count);
        let sorted = reads.iter().map(|data| match &order.rows {
            None => std::borrow::Cow::Borrowed(*data),
            Some(rows) => std::borrow::Cow::Owned(taken(data, width, rows)),
        });
        let reads = sorted.collect();
        Self { order, width, reads }
    }

    fn numbers(&self, group: usize) -> std::ops::Range<usize> {
        self.order.offsets[group] as usize * self.width..self.order.offsets[group + 1] as usize * self.width
    }

    fn read(&self, i: usize, group: usize) -> &[f32] {
        &self.reads[i][self.numbers(group)]
    }

    /// A result of this space; rows go back to where they belong by [`Side::finish`].
    fn result(&self) -> Vec<f32> {
        match &self.order.rows {
            None => Vec::new(),
            Some(rows) => vec![0.0; rows.len() * self.width],
        }
    }

    fn finish(&self, sorted: &[f32], out: &mut [f32]) {
        if let Some(rows) = &self.order.rows {
            put_back(sorted, self.width, rows, out);
        }
    }
}

/// The addresses of dropped weights.
struct Addresses {
    /// By group.
    groups: Vec<(Mask, Noise)>,
    /// The number of each query among the rows of its sample, by group.
    rows: Vec<u32>,
}

impl Addresses {
    fn of(told: &Told, block: &Block, keys: &Order, queries: &Order) -> Option<Self> {
        let ([_, _, samples], false) = (block.groups, told.rate == 0.0) else { return None };
        let first = block.segments.first().copied().unwrap_or(0);
        let mut most = vec![0usize; block.ids.len()];
        for (ends, &sample) in keys.offsets.windows(2).zip(samples.iter()) {
            let most = &mut most[sample as usize];
            *most = (*most).max((ends[1] - ends[0]) as usize);
        }
        let stream = Stream::new(block.noise.seed, &told.stream);
        let address = |&sample: &u32| {
            let sample = sample as usize;
            let rows = block.segments[sample + 1] - block.segments[sample];
            let mask = Mask { stream, step: block.noise.step, sample: block.ids[sample], rate: told.rate };
            (mask, Noise::new(rows as usize, most[sample]))
        };
        let number = |ends: &[u32]| (0..ends[1] - ends[0]).collect::<Vec<u32>>();
        let numbers: Vec<u32> = block.segments.windows(2).flat_map(number).collect();
        debug_assert_eq!(numbers.len(), (block.segments.last().copied().unwrap_or(0) - first) as usize);
        let rows = match &queries.rows {
            None => numbers,
            Some(rows) => rows.iter().map(|&row| numbers[row as usize]).collect(),
        };
        Some(Self { groups: samples.iter().map(address).collect(), rows })
    }

    fn dropped(&self, group: usize, queries: &Order) -> Dropped<'_> {
        let (mask, noise) = self.groups[group];
        let rows = &self.rows[queries.offsets[group] as usize..queries.offsets[group + 1] as usize];
        Dropped { mask, noise, rows }
    }
}

/// The stage of `attention`.
pub(super) fn attention(graph: &Graph, node: &Node) -> Option<Stage> {
    let told = Told::of(graph, node);
    Some(Box::new(move |block, out| {
        let [q, k, v] = block.reads else { return };
        let Some((queries, keys)) = sides(&told, block, &[q.floats()], &[k.floats(), v.floats()]) else { return };
        let addresses = Addresses::of(&told, block, &keys.order, &queries.order);
        let (mut sorted, mut scratch) = (queries.result(), Vec::new());
        let to = if sorted.is_empty() { &mut *out } else { &mut sorted };
        for group in 0..block.group_count {
            let dropped = addresses.as_ref().map(|addresses| addresses.dropped(group, &queries.order));
            let of = of(&told, queries.read(0, group), (keys.read(0, group), keys.read(1, group)), dropped);
            grow(&mut scratch, of.scratch());
            of.forward(&mut to[queries.numbers(group)], &mut scratch);
        }
        queries.finish(&sorted, out);
    }))
}

/// The stage of `attention_grad`.
pub(super) fn attention_grad(graph: &Graph, node: &Node) -> Option<Several> {
    let told = Told::of(graph, node);
    Some(Box::new(move |block, results| {
        let ([g, q, k, v], [dq, dk, dv]) = (block.reads, results) else { return };
        let found = sides(&told, block, &[g.floats(), q.floats()], &[k.floats(), v.floats()]);
        let Some((queries, keys)) = found else { return };
        let addresses = Addresses::of(&told, block, &keys.order, &queries.order);
        [&mut *dq, dk, dv].into_iter().for_each(|result| result.fill(0.0));
        let mut sorted = [queries.result(), keys.result(), keys.result()];
        let mut scratch = Vec::new();
        for group in 0..block.group_count {
            let [sorted_q, sorted_k, sorted_v] = &mut sorted;
            let to_q = if queries.order.rows.is_some() { sorted_q } else { &mut **dq };
            let (to_k, to_v) = match keys.order.rows {
                Some(_) => (&mut **sorted_k, &mut **sorted_v),
                None => (&mut **dk, &mut **dv),
            };
            let dropped = addresses.as_ref().map(|addresses| addresses.dropped(group, &queries.order));
            let of = of(&told, queries.read(1, group), (keys.read(0, group), keys.read(1, group)), dropped);
            grow(&mut scratch, of.scratch());
            let mut to = AttentionGrad {
                dq: &mut to_q[queries.numbers(group)],
                dk: &mut to_k[keys.numbers(group)],
                dv: &mut to_v[keys.numbers(group)],
                dbias: None,
            };
            of.backward(queries.read(0, group), &mut to, &mut scratch);
        }
        let [sorted_q, sorted_k, sorted_v] = &sorted;
        queries.finish(sorted_q, dq);
        keys.finish(sorted_k, dk);
        keys.finish(sorted_v, dv);
    }))
}

fn sides<'a>(
    told: &Told,
    block: &Block,
    of_queries: &[&'a [f32]],
    of_keys: &[&'a [f32]],
) -> Option<(Side<'a>, Side<'a>)> {
    let [queries, keys, _] = block.groups else { return None };
    let (count, width) = (block.group_count, told.heads * told.width);
    Some((Side::of(queries, count, width, of_queries), Side::of(keys, count, width, of_keys)))
}

fn of<'a>(told: &Told, q: &'a [f32], (k, v): (&'a [f32], &'a [f32]), dropped: Option<Dropped<'a>>) -> Attention<'a> {
    let Told { heads, width, scale, causal, .. } = *told;
    Attention { q, k, v, heads, width, scale, causal, bias: None, dropped }
}

fn grow(scratch: &mut Vec<f32>, len: usize) {
    if scratch.len() < len {
        scratch.resize(len, 0.0);
    }
}
