//! Encoded columns: written into a container in some order of rows, read back as arrays.

use std::io;

use super::array::Array;
use super::container::{Builder, Container};
use super::fit::FeatureFit;
use super::plan::{FeaturePlan, Form};
use super::rows::{Raw, Written, range};
use super::scale::bucket;

/// A feature as batches hold it, by row.
#[derive(Clone, Debug)]
pub(crate) enum Stored {
    /// Rows of a table.
    Ids(Array<u32>),
    /// Several rows of a table, and where each row's end.
    Bags { ends: Array<u64>, ids: Array<u32> },
    /// Scaled numbers, so many side by side.
    Numbers { width: usize, values: Array<f32> },
}

/// Encodes a feature: `renumber` turns numbers given while reading into rows of the table, unless it is empty.
pub(crate) fn write_feature(
    builder: &mut Builder,
    name: &str,
    feature: &FeaturePlan,
    fit: &FeatureFit,
    renumber: &[u32],
    raw: &Written,
    rows: impl Iterator<Item = usize> + Clone,
) -> io::Result<()> {
    let row_of = |code: u32| if renumber.is_empty() { code } else { renumber[code as usize] };
    match raw {
        Raw::Codes(codes) => builder.write(name, rows.map(|row| row_of(codes[row]))),
        Raw::Bags { ends, codes } => {
            let mut end = 0;
            let lengths = rows.clone().map(|row| {
                end += range(ends, row).len() as u64;
                end
            });
            builder.write(&format!("{name}/ends"), lengths)?;
            builder.write(&format!("{name}/ids"), rows.flat_map(|row| range(ends, row)).map(|at| row_of(codes[at])))
        }
        Raw::Numbers { width, values } => {
            let numbers = |row: usize| &values[row * width..(row + 1) * width];
            match feature.form {
                Form::Bucket { .. } => builder.write(name, rows.map(|row| bucket(numbers(row)[0], &fit.edges))),
                _ => {
                    let of = |row| (0..feature.width()).map(move |at| encoded(feature, fit, numbers(row), at));
                    builder.write(name, rows.flat_map(of))
                }
            }
        }
    }
}

/// One of the numbers that an input holds of a row: each value scaled, then the flag where there is one.
pub(crate) fn encoded(feature: &FeaturePlan, fit: &FeatureFit, values: &[f64], at: usize) -> f32 {
    match (&feature.form, values.get(at).zip(fit.statistics.get(at))) {
        (Form::Numbers { scale, missing }, Some((value, statistics))) => statistics.scaled(*value, *scale, *missing),
        _ => f32::from(u8::from(values.iter().any(|value| value.is_nan()))),
    }
}

/// Reads a feature of so many rows; none if it is not there or is not whole.
pub(crate) fn read_feature(container: &Container, name: &str, feature: &FeaturePlan, rows: usize) -> Option<Stored> {
    let (stored, length) = match feature.form {
        Form::Id { .. } | Form::Bucket { .. } => {
            let ids = container.array::<u32>(name)?;
            let length = ids.len();
            (Stored::Ids(ids), length)
        }
        Form::Ids { .. } => {
            let ends = container.array::<u64>(&format!("{name}/ends"))?;
            let length = ends.len();
            (Stored::Bags { ends, ids: container.array(&format!("{name}/ids"))? }, length)
        }
        Form::Numbers { .. } => {
            let values = container.array::<f32>(name)?;
            let (width, length) = (feature.width(), values.len() / feature.width().max(1));
            (Stored::Numbers { width, values }, length)
        }
    };
    (length == rows).then_some(stored)
}

/// Reads an array of so many values.
pub(crate) fn read_array<T: super::array::Plain>(container: &Container, name: &str, count: usize) -> Option<Array<T>> {
    container.array(name).filter(|array| array.len() == count)
}
