//! Pieces of reference values that several operations share.

use candle_core::{DType, Result, Tensor};

use super::add_rows::add_rows;

/// The element of a condition or a result beside `x`: double precision stays, so that derivatives can be checked in it.
pub(super) fn float_of(x: &Tensor) -> DType {
    if x.dtype() == DType::F64 { DType::F64 } else { DType::F32 }
}

/// Where numbers are not 0, as Candle's masks are.
pub(super) fn holds(c: &Tensor) -> Result<Tensor> {
    c.ne(0.0)
}

/// `a` where `c` holds, else `b`; operands broadcast to `shape`.
pub(super) fn choose(c: &Tensor, a: &Tensor, b: &Tensor, shape: (usize, usize)) -> Result<Tensor> {
    let spread = |x: &Tensor| own(x.broadcast_as(shape)?);
    spread(&holds(c)?)?.where_cond(&spread(a)?, &spread(b)?)
}

/// One number in the shape and element of `like`.
pub(super) fn full_like(value: f64, like: &Tensor) -> Result<Tensor> {
    Tensor::full(value, like.shape(), like.device())?.to_dtype(like.dtype())
}

/// `1 / (1 + e^-x)`; right at both ends, since `1 / infinity` is 0.
pub(super) fn sigmoid(x: &Tensor) -> Result<Tensor> {
    (x.neg()?.exp()? + 1.0)?.recip()
}

/// `ln(1 + e^x)` without overflow. `ln(1 + u)` for the small `u = e^-|x|` is `u ln(w) / (w - 1)` with `w = 1 + u` as rounded
/// (Kahan), which keeps the digits that `1 + u` loses.
pub(super) fn softplus(x: &Tensor) -> Result<Tensor> {
    let u = x.abs()?.neg()?.exp()?;
    let w = (&u + 1.0)?;
    let rest = (&w - 1.0)?;
    let lost = rest.eq(0.0)?;
    let safe = lost.where_cond(&full_like(1.0, &u)?, &rest)?;
    let log1p = lost.where_cond(&u, &((&u * w.log()?)? / safe)?)?;
    x.relu()? + log1p
}

/// Sums of the rows of `x` that share an entry of `map`.
pub(super) fn sum_by(x: &Tensor, map: &[u32], count: usize) -> Result<Tensor> {
    let zeros = Tensor::zeros((count, x.dim(1)?), x.dtype(), x.device())?;
    add_rows(&zeros, map, x)
}

/// The largest of the rows of `x` that share an entry of `map`, by column; minus infinity for none.
pub(super) fn max_by(x: &Tensor, map: &[u32], count: usize) -> Result<Tensor> {
    let width = x.dim(1)?;
    let groups = by_group(x, map, count, f64::NEG_INFINITY)?;
    if groups.dim(1)? == 0 {
        return Tensor::full(f64::NEG_INFINITY, (count, width), x.device())?.to_dtype(x.dtype());
    }
    groups.max(1)
}

/// The rows of `x` that share an entry of `map`, in order: `count` groups, as long as the longest, filled with rows of a number.
pub(super) fn by_group(x: &Tensor, map: &[u32], count: usize, filling: f64) -> Result<Tensor> {
    let (rows, width) = x.dims2()?;
    let mut groups: Vec<Vec<u32>> = vec![Vec::new(); count];
    for (row, &group) in map.iter().enumerate() {
        groups[group as usize].push(row as u32);
    }
    let longest = groups.iter().map(Vec::len).max().unwrap_or(0);
    if longest == 0 {
        return Tensor::zeros((count, 0, width), x.dtype(), x.device());
    }
    let filled = groups.iter().flat_map(|group| {
        let missing = longest - group.len();
        group.iter().copied().chain(std::iter::repeat_n(rows as u32, missing))
    });
    let filled: Vec<u32> = filled.collect();
    let filling = Tensor::full(filling, (1, width), x.device())?.to_dtype(x.dtype())?;
    let all = Tensor::cat(&[x.clone(), filling], 0)?.index_select(&places(&filled, x)?, 0)?;
    all.reshape((count, longest, width))
}

/// Some rows or columns, as a tensor of its own.
pub(super) fn narrow(x: &Tensor, dim: usize, from: usize, len: usize) -> Result<Tensor> {
    own(x.narrow(dim, from, len)?)
}

/// A contiguous tensor that begins where its memory does. Candle gives back a broadcast or a part of an empty tensor with
/// the strides or the offset of a full one, and then refuses it, or reads beyond the end of its memory.
pub(super) fn own(x: Tensor) -> Result<Tensor> {
    if x.elem_count() == 0 { Tensor::zeros(x.shape(), x.dtype(), x.device()) } else { x.contiguous() }
}

/// Row numbers as a tensor beside `x`.
pub(super) fn places(map: &[u32], x: &Tensor) -> Result<Tensor> {
    Tensor::from_slice(map, map.len(), x.device())
}

/// Row numbers that an index value holds.
pub(super) fn to_places(index: &Tensor) -> Result<Vec<u32>> {
    index.flatten_all()?.to_vec1()
}

/// The numbers of a value, for work that a reference does on the host.
pub(super) fn to_doubles(x: &Tensor) -> Result<Vec<f64>> {
    x.to_dtype(DType::F64)?.flatten_all()?.to_vec1()
}
