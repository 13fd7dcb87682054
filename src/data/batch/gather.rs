//! Stored values of some rows, one after the other.

use super::Damaged;
use crate::data::rows::range;
use crate::data::store::Stored;
use crate::exec::feed::{Column, Feed};

/// The values of one input.
pub(super) enum Gathered {
    Ids(Vec<u32>),
    Bags { offsets: Vec<u32>, ids: Vec<u32> },
    Numbers(Vec<f32>),
}

impl Gathered {
    /// None yet, of the kind that is stored.
    fn like(stored: &Stored) -> Gathered {
        match stored {
            Stored::Ids(_) => Gathered::Ids(Vec::new()),
            Stored::Bags { .. } => Gathered::Bags { offsets: vec![0], ids: Vec::new() },
            Stored::Numbers { .. } => Gathered::Numbers(Vec::new()),
        }
    }

    /// Adds the values of a range of rows.
    fn add(&mut self, stored: &Stored, rows: std::ops::Range<usize>) -> Result<(), Damaged> {
        match (self, stored) {
            (Gathered::Ids(out), Stored::Ids(ids)) => out.extend_from_slice(ids.get(rows).ok_or(Damaged)?),
            (Gathered::Numbers(out), Stored::Numbers { width, values }) => {
                out.extend_from_slice(values.get(rows.start * width..rows.end * width).ok_or(Damaged)?);
            }
            (Gathered::Bags { offsets, ids: out }, Stored::Bags { ends, ids }) => {
                for row in rows {
                    if row >= ends.len() {
                        return Err(Damaged);
                    }
                    out.extend_from_slice(ids.get(range(ends, row)).ok_or(Damaged)?);
                    offsets.push(u32::try_from(out.len()).map_err(|_| Damaged)?);
                }
            }
            _ => return Err(Damaged),
        }
        Ok(())
    }

    /// The column, its own axis put beside the others.
    pub(super) fn into_column(self, name: &str, feed: &mut Feed) -> Column {
        match self {
            Gathered::Ids(ids) => Column::U32(ids),
            Gathered::Numbers(values) => Column::F32(values),
            Gathered::Bags { offsets, ids } => {
                feed.offsets.insert(name.to_string(), offsets);
                Column::U32(ids)
            }
        }
    }
}

/// Values at places of an array.
pub(super) fn pick<T: Copy>(values: &[T], places: &[u32]) -> Result<Vec<T>, Damaged> {
    places.iter().map(|&place| values.get(place as usize).copied().ok_or(Damaged)).collect()
}

/// The stored values at places.
pub(super) fn picked(stored: &Stored, places: &[u32]) -> Result<Gathered, Damaged> {
    match stored {
        Stored::Ids(ids) => pick(ids, places).map(Gathered::Ids),
        Stored::Numbers { width: 1, values } => pick(values, places).map(Gathered::Numbers),
        _ => gathered(stored, places.iter().map(|&place| place as usize..place as usize + 1)),
    }
}

/// The stored values of ranges of rows.
pub(super) fn gathered(
    stored: &Stored,
    ranges: impl Iterator<Item = std::ops::Range<usize>>,
) -> Result<Gathered, Damaged> {
    let mut out = Gathered::like(stored);
    for range in ranges {
        out.add(stored, range)?;
    }
    Ok(out)
}

/// One row of one of two stores each: of `other` where there is a place in it.
pub(super) fn mixed(
    stored: &Stored,
    other: &Stored,
    places: &[u32],
    instead: &[Option<u32>],
) -> Result<Gathered, Damaged> {
    let mut out = Gathered::like(stored);
    for (&place, instead) in places.iter().zip(instead) {
        match instead {
            None => out.add(stored, place as usize..place as usize + 1)?,
            Some(place) => out.add(other, *place as usize..*place as usize + 1)?,
        }
    }
    Ok(out)
}
