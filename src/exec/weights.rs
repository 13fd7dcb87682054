//! The parameters of a graph as matrices, by path: what is initialised, trained, saved and loaded.

use std::collections::BTreeMap;

use crate::ir::axis::AxisKind;
use crate::ir::graph::{Graph, ParamId};

use super::error::ExecError;
use super::init::First;
use super::matrix::Matrix;

/// Every parameter of a run by path. Graphs of one model (training, evaluation, serving) read the same weights; each
/// looks up what it needs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weights {
    matrices: BTreeMap<String, Matrix>,
}

impl Weights {
    /// First values for every parameter of `graph`, drawn from the stream of its path. `table_rows` says how many rows
    /// each table has.
    ///
    /// # Errors
    /// A table that `table_rows` lacks, or vectors of a file that `files` lacks.
    pub fn initial(
        graph: &Graph,
        table_rows: &BTreeMap<String, usize>,
        files: &BTreeMap<String, Vec<f32>>,
        seed: u64,
    ) -> Result<Self, ExecError> {
        let mut weights = Self::default();
        weights.complete(graph, table_rows, files, seed)?;
        Ok(weights)
    }

    /// Adds first values for the parameters of `graph` that are not there yet, such as the moments of an optimiser.
    ///
    /// # Errors
    /// As [`Weights::initial`].
    pub fn complete(
        &mut self,
        graph: &Graph,
        table_rows: &BTreeMap<String, usize>,
        files: &BTreeMap<String, Vec<f32>>,
        seed: u64,
    ) -> Result<(), ExecError> {
        for (id, param) in graph.params() {
            if self.matrices.contains_key(&param.name) {
                continue;
            }
            let (rows, width) = size(graph, id, table_rows)?;
            let missing = || ExecError::MissingWeight(param.name.clone());
            let matrix = match files.get(&param.name) {
                Some(data) if data.len() == rows * width => Matrix::new(rows, width, data.clone()),
                Some(_) => return Err(missing()),
                None => {
                    let first = First::new(param.init, &param.name, seed).ok_or_else(missing)?;
                    match table_of(graph, param.value) {
                        Some(_) => Matrix::by_row(rows, width, first),
                        None => Matrix::first(rows, width, &first),
                    }
                }
            };
            self.matrices.insert(param.name.clone(), matrix);
        }
        Ok(())
    }

    /// Whether every parameter of `graph` is there, of the size that it has when its tables have these rows.
    pub fn fit(&self, graph: &Graph, table_rows: &BTreeMap<String, usize>) -> bool {
        graph.params().all(|(id, param)| {
            let (expected, found) = (size(graph, id, table_rows), self.matrices.get(&param.name));
            expected.is_ok_and(|size| found.is_some_and(|matrix| (matrix.rows(), matrix.width()) == size))
        })
    }

    /// The parameter of a path.
    pub fn get(&self, name: &str) -> Option<&Matrix> {
        self.matrices.get(name)
    }

    /// The parameter of a path, to be changed in place.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Matrix> {
        self.matrices.get_mut(name)
    }

    /// Puts a parameter.
    pub fn insert(&mut self, name: &str, matrix: Matrix) {
        self.matrices.insert(name.to_owned(), matrix);
    }

    /// Takes a parameter out.
    pub fn remove(&mut self, name: &str) -> Option<Matrix> {
        self.matrices.remove(name)
    }

    /// Every parameter in order of path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Matrix)> {
        self.matrices.iter().map(|(name, matrix)| (name.as_str(), matrix))
    }

    /// The matrix of a graph's parameter, checked for its size.
    ///
    /// # Errors
    /// It is not there, or its width or (for all but tables) its rows differ from the type.
    pub fn of(&self, graph: &Graph, id: ParamId) -> Result<&Matrix, ExecError> {
        let param = graph.param(id);
        let ty = graph.ty(param.value);
        let found = self.matrices.get(&param.name).filter(|matrix| {
            let rows_fit = !ty.space.is_unit() || matrix.rows() == ty.height as usize;
            let whole = matrix.memory().len() == matrix.rows() * matrix.width();
            matrix.width() == ty.width as usize && rows_fit && whole
        });
        found.ok_or_else(|| ExecError::MissingWeight(param.name.clone()))
    }

    /// How many rows each table of a graph has.
    pub fn table_rows(&self, graph: &Graph) -> BTreeMap<String, usize> {
        let tables = graph.params().filter_map(|(_, param)| {
            let table = table_of(graph, param.value)?;
            Some((table.to_owned(), self.matrices.get(&param.name)?.rows()))
        });
        tables.collect()
    }
}

/// The table whose rows a parameter's value has, if it is one.
pub fn table_of(graph: &Graph, value: crate::ir::graph::ValueId) -> Option<&str> {
    graph.ty(value).space.axes().iter().find_map(|&axis| match &graph.axis(axis).kind {
        AxisKind::Rows { table } => Some(table.as_str()),
        _ => None,
    })
}

/// Rows and width of a parameter.
fn size(graph: &Graph, id: ParamId, table_rows: &BTreeMap<String, usize>) -> Result<(usize, usize), ExecError> {
    let param = graph.param(id);
    let ty = graph.ty(param.value);
    let mut rows = ty.height as usize;
    for &axis in ty.space.axes() {
        rows *= match (&graph.axis(axis).kind, graph.axes().fixed(axis)) {
            (AxisKind::Rows { table }, _) => {
                *table_rows.get(table).ok_or_else(|| ExecError::MissingWeight(param.name.clone()))?
            }
            (_, Some(len)) => len as usize,
            _ => return Err(ExecError::MissingWeight(param.name.clone())),
        };
    }
    Ok((rows, ty.width as usize))
}
