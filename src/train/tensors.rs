//! Parameters as the tensors of a checkpoint. A matrix is one, `rows x width`. A large table of which most rows were never
//! read is two: the rows that were, in their order, and which rows of the table those are. Where its other rows come from
//! stands in [`Parts`].

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use crate::exec::init::First;
use crate::exec::matrix::Matrix;
use crate::exec::weights::Weights;

/// Behind the name of a table: its tensor of rows.
const ROWS: &str = ":rows";

/// Tables that are saved in part, by name.
pub(super) type Parts = BTreeMap<String, Part>;

/// Such a table.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Part {
    rows: usize,
    first: First,
}

/// A tensor of a file.
pub(super) struct Tensor<'a> {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) numbers: Numbers<'a>,
}

/// The numbers of a tensor.
pub(super) enum Numbers<'a> {
    F32(Vec<Cow<'a, [f32]>>),
    U32(Vec<u32>),
}

impl Numbers<'_> {
    /// As safetensors names it.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Numbers::F32(_) => "F32",
            Numbers::U32(_) => "U32",
        }
    }
}

/// What a checkpoint holds of these weights, in order.
pub(super) fn of(weights: &Weights) -> (Vec<Tensor<'_>>, Parts) {
    let (mut tensors, mut parts) = (Vec::new(), Parts::new());
    for (name, matrix) in weights.iter() {
        let width = matrix.width();
        let Some(first) = matrix.rest() else {
            let numbers = Numbers::F32(vec![matrix.numbers()]);
            tensors.push(Tensor { name: name.to_owned(), shape: vec![matrix.rows(), width], numbers });
            continue;
        };
        parts.insert(name.to_owned(), Part { rows: matrix.rows(), first: first.clone() });
        let rows: Vec<u32> = matrix.drawn().flat_map(|(rows, _)| rows.start as u32..rows.end as u32).collect();
        let numbers = Numbers::F32(matrix.drawn().map(|(_, numbers)| Cow::Borrowed(numbers)).collect());
        tensors.push(Tensor { name: name.to_owned(), shape: vec![rows.len(), width], numbers });
        tensors.push(Tensor { name: format!("{name}{ROWS}"), shape: vec![rows.len()], numbers: Numbers::U32(rows) });
    }
    (tensors, parts)
}

/// The weights that these tensors are; otherwise the name of one that does not fit.
pub(super) fn weights(tensors: Vec<Tensor>, parts: &Parts) -> Result<Weights, String> {
    let mut weights = Weights::default();
    let mut tensors = tensors.into_iter().peekable();
    while let Some(Tensor { name, shape, numbers }) = tensors.next() {
        let matrix = match (numbers, &shape[..], parts.get(&name)) {
            (Numbers::F32(numbers), &[rows, width], None) => Some(Matrix::new(rows, width, joined(numbers))),
            (Numbers::F32(numbers), &[_, width], Some(part)) => {
                let rows = tensors.next_if(|next| next.name.strip_suffix(ROWS) == Some(&name));
                rows.and_then(|rows| match rows.numbers {
                    Numbers::U32(ids) => Matrix::in_part(part.rows, width, part.first.clone(), &ids, &joined(numbers)),
                    Numbers::F32(_) => None,
                })
            }
            _ => None,
        };
        match matrix {
            Some(matrix) => weights.insert(&name, matrix),
            None => return Err(name),
        }
    }
    Ok(weights)
}

/// One piece, as a file gives it, is not copied.
fn joined(mut pieces: Vec<Cow<[f32]>>) -> Vec<f32> {
    if pieces.len() > 1 { pieces.concat() } else { pieces.pop().unwrap_or_default().into_owned() }
}

/// Gives the bytes of a tensor in pieces.
pub(super) fn in_bytes<E>(numbers: &Numbers, mut take: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    match numbers {
        Numbers::F32(parts) => parts.iter().try_for_each(|part| pieces(part, f32::to_le_bytes, &mut take)),
        Numbers::U32(numbers) => pieces(numbers, u32::to_le_bytes, &mut take),
    }
}

/// Numbers that are turned into bytes at once.
pub(super) const CHUNK: usize = 1 << 14;

fn pieces<T: Copy, E>(
    numbers: &[T],
    bytes_of: fn(T) -> [u8; 4],
    take: &mut impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut bytes = Vec::with_capacity(numbers.len().min(CHUNK) * 4);
    for chunk in numbers.chunks(CHUNK) {
        bytes.clear();
        bytes.extend(chunk.iter().flat_map(|&number| bytes_of(number)));
        take(&bytes)?;
    }
    Ok(())
}

/// A number that changes with every name, shape and bit, and with the text before them.
pub(super) fn sum(text: &str, tensors: &[Tensor]) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(text.as_bytes());
    for tensor in tensors {
        let shape: Vec<String> = tensor.shape.iter().map(usize::to_string).collect();
        hash.update(format!("\n{} {}\n", tensor.name, shape.join(" ")).as_bytes());
        let Ok(()) = in_bytes(&tensor.numbers, |bytes| {
            hash.update(bytes);
            Ok::<(), std::convert::Infallible>(())
        });
    }
    hash.digest()
}
