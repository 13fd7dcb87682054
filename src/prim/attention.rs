//! Scaled dot-product attention (Vaswani et al. 2017) as one operation, so that no value of the space of pairs is ever made.
//! No spec names it: a pass finds it in graphs that say the same in products, softmaxes and sums.

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::rows::Rows;
use crate::ir::types::{Elem, Space, Type};

use super::philox::Stream;
use super::{rule, tensor};

/// `attention(q, k, v) {causal, heads, over, rate, scale, stream}`: each row of `q` gets the mean of the rows of `v` of its
/// group, weighted by the softmax of `scale q . k` over `over`, head by head; the columns of a head lie side by side.
///
/// A group is what `k` has without `over`. With `causal`, a row sees the elements of `over` up to its own. With a `rate`,
/// weights are dropped after the softmax: see [`Noise`]. A row whose group is empty gets 0.
#[derive(Debug)]
pub struct Attention;

/// `attention_grad(g, q, k, v)`, attributes as before: the derivatives by `q`, `k` and `v`. It computes the weights again.
#[derive(Debug)]
pub struct AttentionGrad;

const ATTRIBUTES: &[Declared] = &[
    ("causal", AttrKind::Bool),
    ("heads", AttrKind::Int),
    ("over", AttrKind::Axis),
    ("rate", AttrKind::Float),
    ("scale", AttrKind::Float),
    ("stream", AttrKind::Text),
];

/// The address of a dropped weight: the seed, the stream, the step, the sample, and a block of four keys. The blocks of a
/// sample are numbered by head, then by row of `q`, then by key; all its rows have as many as the row that sees the most keys.
#[derive(Clone, Copy, Debug)]
pub struct Noise {
    /// Rows of `q` in the sample.
    pub rows: usize,
    /// Blocks of a row.
    pub blocks: usize,
}

impl Noise {
    /// For a sample with so many rows of `q`, whose largest group has so many keys.
    pub fn new(rows: usize, keys: usize) -> Self {
        Self { rows, blocks: keys.div_ceil(4) }
    }

    /// The first block of a row under a head.
    pub fn first(&self, head: usize, row: usize) -> u32 {
        ((head * self.rows + row) * self.blocks) as u32
    }
}

impl Op for Attention {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn attributes(&self) -> &'static [Declared] {
        ATTRIBUTES
    }

    /// (C1) Three operands of numbers, of one width and a height of 1; `k` and `v` have one space. (C2) That has `over`, no
    /// axis under it, and samples beside it. (C3) `q` has every axis of the groups. (C4) With `causal`, `q` has the space of
    /// `k`. (C5) The number of heads divides the width. (C6) The rate is at least 0 and less than 1.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [q, ..] = rule::operands::<3>(self.name(), site)?;
        operands(self.name(), site, 0)?;
        Ok(vec![Type { elem: Elem::F32, ..q.clone() }])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let pairs = Pairs::of(call, 0)?;
        let mut weights = pairs.weights(call, 0)?;
        if let Some(mask) = pairs.mask(call)? {
            weights = (weights * mask)?;
        }
        Ok(vec![pairs.sum(&weights, pairs.of_keys(&call.operands[2])?, &pairs.queries, call.shape(0).0)?])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let Some(g) = at.cotangent() else { return Ok(vec![None; 3]) };
        let operands = [&[g], at.operands].concat();
        Ok(at.to.op(&AttentionGrad, &operands, at.attrs.clone())?.into_iter().map(Some).collect())
    }
}

impl Op for AttentionGrad {
    fn name(&self) -> &'static str {
        "attention_grad"
    }

    fn attributes(&self) -> &'static [Declared] {
        ATTRIBUTES
    }

    /// (C1) to (C6) of `attention` for the operands behind the first, which has the type of `q`.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [g, q, k, v] = rule::operands(self.name(), site)?;
        rule::numbers(self.name(), site, 0)?;
        operands(self.name(), site, 1)?;
        if g.space != q.space || g.width != q.width || g.height != q.height {
            let title = format!("`attention_grad` of {} by {}", site.show(q), site.show(g));
            return Err(Fault::new("E0301", title).of(0));
        }
        Ok([q, k, v].map(|ty| Type { elem: Elem::F32, ..ty.clone() }).to_vec())
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let pairs = Pairs::of(call, 1)?;
        let [g, q, k, v] = call.operands else { candle_core::bail!("attention_grad: wrong operands") };
        let (weights, mask) = (pairs.weights(call, 1)?, pairs.mask(call)?);
        let mut by_weight = pairs.dot(&pairs.of_queries(g)?, &pairs.of_keys(v)?)?;
        let mut kept = weights.clone();
        if let Some(mask) = mask {
            (by_weight, kept) = ((by_weight * &mask)?, (kept * mask)?);
        }
        let products = (&weights * &by_weight)?;
        let total = tensor::sum_by(&products, &pairs.queries, q.dim(0)?)?;
        let total = total.index_select(&tensor::places(&pairs.queries, &total)?, 0)?;
        let slopes = ((products - (weights * total)?)? * call.attrs.float("scale"))?;
        Ok(vec![
            pairs.sum(&slopes, pairs.of_keys(k)?, &pairs.queries, q.dim(0)?)?,
            pairs.sum(&slopes, pairs.of_queries(q)?, &pairs.keys, k.dim(0)?)?,
            pairs.sum(&kept, pairs.of_queries(g)?, &pairs.keys, k.dim(0)?)?,
        ])
    }

    /// Nothing is differentiated twice.
    fn vjp(&self, _: &mut Vjp) -> Result<Cotangents, Fault> {
        Err(Fault::new("E0399", "`attention_grad` has no derivative"))
    }
}

fn operands(name: &str, site: &Site, first: usize) -> Result<(), Fault> {
    for i in first..first + 3 {
        rule::numbers(name, site, i)?;
    }
    let (q, k, v) = (site.operands[first], site.operands[first + 1], site.operands[first + 2]);
    let alike = [k, v].iter().all(|ty| ty.width == q.width && ty.height == 1) && q.height == 1;
    if !alike || k.space != v.space {
        let title = format!("`{name}` of {}, {} and {}", site.show(q), site.show(k), site.show(v));
        return Err(Fault::new("E0301", title).of(first + 1));
    }
    let over = site.attrs.axis("over").ok_or_else(|| rule::bad_attribute(name, "an axis is needed"))?;
    let over_name = &site.axes.get(over).name;
    let groups = site.axes.without(&k.space, &[over]);
    let groups =
        groups.map_err(|_| Fault::new("E0306", format!("`{name}` over `{over_name}`, under which an axis is")))?;
    if !k.space.has(over) || site.axes.batch_of(&groups).is_none() {
        let title = format!("`{name}` over `{over_name}` of {}", site.show(k));
        return Err(Fault::new("E0305", title).of(first + 1));
    }
    let causal = site.attrs.flag("causal");
    if !q.space.covers(&groups) || (causal && q.space != k.space) {
        let title = format!("`{name}` of {} over {}", site.show(q), site.show(k));
        return Err(Fault::new("E0305", title).of(first));
    }
    let heads = rule::size(site, "heads");
    if heads == 0 || q.width % heads != 0 {
        return Err(rule::bad_attribute(name, format!("{heads} heads of a width of {}", q.width)));
    }
    match site.attrs.float("rate") {
        rate if (0.0..1.0).contains(&rate) => Ok(()),
        rate => Err(rule::bad_attribute(name, format!("a rate of {rate}"))),
    }
}

/// Every row of `q` with every row of `k` that it sees.
struct Pairs {
    /// The row of `q` of each pair, rising.
    queries: Vec<u32>,
    /// Its row of `k`.
    keys: Vec<u32>,
    /// The number of that key in its group.
    numbers: Vec<u32>,
    /// Keys of the largest group of each sample.
    most: Vec<usize>,
    heads: usize,
    /// The space of `q`.
    space: Space,
}

impl Pairs {
    /// Of the operands from number `first` on.
    fn of(call: &Call, first: usize) -> candle_core::Result<Self> {
        let (q, k) = (&call.types[first].space, &call.types[first + 1].space);
        let groups = rule::left(call, k);
        let mut members: Vec<Vec<u32>> = vec![Vec::new(); call.rows.count(&groups)];
        for (row, &group) in call.rows.map(k, &groups).iter().enumerate() {
            members[group as usize].push(row as u32);
        }
        let (mut queries, mut keys, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
        for (row, &group) in call.rows.map(q, &groups).iter().enumerate() {
            // A causal row is itself one of the keys, and sees those up to itself.
            let seen = |key: &&u32| !call.attrs.flag("causal") || **key as usize <= row;
            for (number, &key) in members[group as usize].iter().take_while(seen).enumerate() {
                queries.push(row as u32);
                keys.push(key);
                numbers.push(number as u32);
            }
        }
        let most = most_keys(call.rows, &groups, &members);
        Ok(Self { queries, keys, numbers, most, heads: call.attrs.int("heads") as usize, space: q.clone() })
    }

    fn of_queries(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        x.index_select(&tensor::places(&self.queries, x)?, 0)
    }

    fn of_keys(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        x.index_select(&tensor::places(&self.keys, x)?, 0)
    }

    /// The product of each pair, a column a head.
    fn dot(&self, a: &Tensor, b: &Tensor) -> candle_core::Result<Tensor> {
        let (rows, width) = a.dims2()?;
        if rows == 0 {
            return Tensor::zeros((0, self.heads), a.dtype(), a.device());
        }
        (a * b)?.reshape((rows, self.heads, width / self.heads))?.sum(2)
    }

    /// The rows `x` times the weights of their pair, summed by `map`.
    fn sum(&self, weights: &Tensor, x: Tensor, map: &[u32], count: usize) -> candle_core::Result<Tensor> {
        let (rows, width) = x.dims2()?;
        if rows == 0 {
            return Tensor::zeros((count, width), x.dtype(), x.device());
        }
        let by_head = x.reshape((rows, self.heads, width / self.heads))?;
        let weighted = by_head.broadcast_mul(&weights.reshape((rows, self.heads, 1))?)?;
        tensor::sum_by(&weighted.reshape((rows, width))?, map, count)
    }

    /// The softmax of each row's products.
    fn weights(&self, call: &Call, first: usize) -> candle_core::Result<Tensor> {
        let (q, k) = (&call.operands[first], &call.operands[first + 1]);
        let scores = (self.dot(&self.of_queries(q)?, &self.of_keys(k)?)? * call.attrs.float("scale"))?;
        let places = tensor::places(&self.queries, &scores)?;
        let largest = tensor::max_by(&scores, &self.queries, q.dim(0)?)?;
        let e = (scores - largest.index_select(&places, 0)?)?.exp()?;
        let total = tensor::sum_by(&e, &self.queries, q.dim(0)?)?;
        e / total.index_select(&places, 0)?
    }

    /// What each weight is multiplied with; none without a rate.
    fn mask(&self, call: &Call) -> candle_core::Result<Option<Tensor>> {
        let rate = call.attrs.float("rate");
        if rate == 0.0 {
            return Ok(None);
        }
        let stream = Stream::new(call.noise.seed, call.attrs.text("stream"));
        let starts = call.rows.sample_starts(&self.space);
        let mut sample = 0;
        let mut mask = Vec::with_capacity(self.queries.len() * self.heads);
        for (&query, &number) in self.queries.iter().zip(&self.numbers) {
            while starts[sample + 1] <= query {
                sample += 1;
            }
            let rows = (starts[sample + 1] - starts[sample]) as usize;
            let noise = Noise::new(rows, self.most[sample]);
            let id = call.rows.samples()[sample];
            for head in 0..self.heads {
                let block = noise.first(head, (query - starts[sample]) as usize) + number / 4;
                let words = stream.words([block, call.noise.step as u32, id as u32, (id >> 32) as u32]);
                let dropped = f64::from(words[number as usize % 4]) < rate * 4_294_967_296.0;
                mask.push(if dropped { 0.0 } else { (1.0 / (1.0 - rate)) as f32 });
            }
        }
        let like = &call.operands[0];
        let mask = Tensor::from_vec(mask, (self.queries.len(), self.heads), like.device())?;
        Ok(Some(mask.to_dtype(like.dtype())?))
    }
}

/// Keys of the largest group of each sample.
fn most_keys(rows: &Rows, groups: &Space, members: &[Vec<u32>]) -> Vec<usize> {
    let starts = rows.sample_starts(groups);
    let most = |ends: &[u32]| members[ends[0] as usize..ends[1] as usize].iter().map(Vec::len).max().unwrap_or(0);
    starts.windows(2).map(most).collect()
}

#[cfg(test)]
mod tests {
    use crate::prim::check::{Batch, check_derivatives, graph, refused, some, value};

    /// The same in one operation and in many.
    const SELF: &str = "
        axis heads: static(2)
        axis h: ragged of B
        axis p: twin of h
        input %q: f32[B, h, 4]
        input %k: f32[B, h, 4]
        input %v: f32[B, h, 4]
        %one: f32[B, h, 4] = attention(%q, %k, %v) {causal: true, heads: 2, over: h, rate: 0, scale: 0.5, stream: \"\"}
        %q.heads: f32[B, heads, h, 2] = split(%q) {axis: heads}
        %k.heads: f32[B, heads, h, 2] = split(%k) {axis: heads}
        %v.heads: f32[B, heads, h, 2] = split(%v) {axis: heads}
        %k.twin: f32[B, heads, p, 2] = twin(%k.heads) {as: p, of: h}
        %v.twin: f32[B, heads, p, 2] = twin(%v.heads) {as: p, of: h}
        %scores: f32[B, heads, h, p, 1] = dot(%q.heads, %k.twin)
        %half: f32[1] = constant() {value: 0.5, width: 1}
        %scaled: f32[B, heads, h, p, 1] = mul(%scores, %half)
        %past: bool[B, h, p] = before() {first: p, second: h, strict: false}
        %weights: f32[B, heads, h, p, 1] = softmax(%scaled, %past) {over: p}
        %mean: f32[B, heads, h, 2] = contract(%weights, %v.twin) {over: p}
        %many: f32[B, h, 4] = merge(%mean) {axis: heads}";

    #[test]
    fn it_is_what_products_softmax_and_sums_say() {
        let batch = Batch::of(3).axis("h", &[0, 3, 3, 4]);
        let batch = batch.with("q", &some(16, 0)).with("k", &some(16, 16)).with("v", &some(16, 32));
        let graph = graph(SELF);
        for (one, many) in value(&graph, &batch, "one").iter().zip(value(&graph, &batch, "many")) {
            assert!((one - many).abs() < 1e-12, "{one} {many}");
        }
        check_derivatives(&graph, &batch, &["one"], &["q", "k", "v"]);
    }

    #[test]
    fn queries_of_another_axis_see_every_key_of_their_group() {
        let lines = "
            axis s: ragged of B
            axis h: ragged of B
            input %q: f32[B, s, 2]
            input %k: f32[B, h, 2]
            %y: f32[B, s, 2] =
                attention(%q, %k, %k) {causal: false, heads: 1, over: h, rate: 0, scale: 1, stream: \"\"}";
        let batch = Batch::of(2).axis("s", &[0, 2, 3]).axis("h", &[0, 2, 2]);
        let batch = batch.with("q", &[0.0, 0.0, 100.0, 0.0, 1.0, 1.0]).with("k", &[1.0, 3.0, 5.0, 7.0]);
        assert_eq!(value(&graph(lines), &batch, "y"), [3.0, 5.0, 5.0, 7.0, 0.0, 0.0]);
        check_derivatives(&graph(lines), &batch.with("q", &some(6, 0)), &["y"], &["q", "k"]);
    }

    #[test]
    fn operands_that_do_not_fit_are_refused() {
        assert_eq!(refused(&SELF.replace("heads: 2, over: h", "heads: 3, over: h")), "E0311");
        assert_eq!(refused(&SELF.replace("rate: 0,", "rate: 1,")), "E0311");
        assert_eq!(refused(&SELF.replace("heads: 2, over: h", "heads: 2, over: p")), "E0305");
        let (alone, _) = SELF.split_once("%q.heads").unwrap();
        assert_eq!(refused(&alone.replace("input %v: f32[B, h, 4]", "input %v: f32[B, h, 2]")), "E0301");
    }
}
