//! What is known before a step: the rows of every axis, the distinct rows of every table, and where each id finds its
//! row. Computed from a batch alone, on the thread that builds batches, the same for every backend.

use std::collections::{BTreeMap, BTreeSet};

use candle_core::{Device, Tensor};

use crate::ir::axis::{AxisId, AxisKind};
use crate::ir::graph::{Def, Graph, Item, NodeId, ValueId};
use crate::ir::input::InputSource;
use crate::ir::op::{Call, Noise};
use crate::ir::rows::Rows;
use crate::ir::types::{Elem, Type};

use super::error::ExecError;
use super::feed::{Column, Feed};

/// The part of a graph that is computed before a step.
#[derive(Clone, Debug, Default)]
pub struct Prologue {
    /// Its nodes, in order.
    nodes: BTreeSet<NodeId>,
}

/// A batch, ready for a step.
#[derive(Debug, Default)]
pub struct Prepared {
    /// The rows of every space.
    pub rows: Rows,
    /// Inputs and the values of the prologue's nodes.
    pub values: BTreeMap<ValueId, Column>,
    /// For places whose gradient a table gets: which rows name each place, in order.
    pub lists: BTreeMap<ValueId, Lists>,
}

/// The uses of every distinct row of a table by one lookup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lists {
    /// Where the uses of each distinct row begin; one entry more than there are rows.
    pub offsets: Vec<u32>,
    /// Rows of the lookup, by distinct row, in order.
    pub rows: Vec<u32>,
}

impl Prologue {
    /// Everything that decides the size of an axis or the place of an id.
    pub fn of(graph: &Graph) -> Self {
        let mut wanted: BTreeSet<ValueId> = BTreeSet::new();
        for axis in graph.axes().ids() {
            if let AxisKind::Sub { condition, .. } = graph.axis(axis).kind {
                wanted.insert(condition);
            }
        }
        let mut nodes = places_known_before(graph);
        let all: Vec<_> = graph.nodes().collect();
        for (id, node) in all.into_iter().rev() {
            if located_table(graph, node).is_some() || node.results.iter().any(|result| wanted.contains(result)) {
                nodes.insert(id);
                wanted.extend(&node.operands);
            }
        }
        Self { nodes }
    }

    /// Whether a node is computed here.
    pub fn has(&self, node: NodeId) -> bool {
        self.nodes.contains(&node)
    }

    /// Makes a batch ready.
    ///
    /// # Errors
    /// An input that is missing or of another size, an id beyond its table, offsets that do not fit.
    pub fn prepare(
        &self,
        graph: &Graph,
        feed: &Feed,
        table_rows: &BTreeMap<String, usize>,
        noise: Noise,
    ) -> Result<Prepared, ExecError> {
        let mut rows = Rows::new(graph.axes(), &feed.ids, &feed.offsets)?;
        for axis in graph.axes().ids() {
            if let AxisKind::Rows { table } = &graph.axis(axis).kind {
                rows.bind_root(axis, table_rows.get(table).copied().unwrap_or(0))?;
            }
        }
        let mut values = inputs(graph, feed, &rows)?;
        for (value, column) in &values {
            bind_conditions(graph, *value, column, &mut rows)?;
        }
        let mut ids: BTreeMap<AxisId, Vec<(ValueId, Vec<u32>)>> = BTreeMap::new();
        for &item in graph.order() {
            let Item::Node(id) = item else { continue };
            if !self.nodes.contains(&id) {
                continue;
            }
            let node = graph.node(id);
            match located_table(graph, node) {
                Some((axis, table)) => {
                    let found = located(graph, node.operands[0], &values, table, table_rows)?;
                    match graph.axis(axis).kind {
                        AxisKind::Unique { .. } => ids.entry(axis).or_default().push((node.results[0], found)),
                        _ => drop(values.insert(node.results[0], Column::U32(found))),
                    }
                }
                None => {
                    for (result, column) in evaluate(graph, id, &values, &rows, noise)? {
                        bind_conditions(graph, result, &column, &mut rows)?;
                        values.insert(result, column);
                    }
                }
            }
        }
        for (axis, lookups) in ids {
            let (distinct, places) = distinct(&lookups);
            for ((result, _), places) in lookups.iter().zip(places) {
                values.insert(*result, Column::U32(places));
            }
            rows.bind_unique(axis, distinct)?;
        }
        let lists = lists(graph, &values, &rows);
        Ok(Prepared { rows, values, lists })
    }
}

/// Nodes whose results are ids and places only, and that read nothing else than the batch and each other.
fn places_known_before(graph: &Graph) -> BTreeSet<NodeId> {
    let mut known = BTreeSet::new();
    for (id, node) in graph.nodes() {
        let places = |value: &ValueId| !graph.ty(*value).is_float();
        let before = |value: &ValueId| match graph.value(*value).def {
            Def::Input(_) => places(value) || graph.ty(*value).elem == Elem::Bool,
            Def::Param(_) => false,
            Def::Node { node, .. } => known.contains(&node),
        };
        if node.results.iter().all(places) && node.operands.iter().all(before) {
            known.insert(id);
        }
    }
    known
}

/// The axis, of all rows or of distinct ones, and the table that a node answers places of, if it does.
fn located_table<'g>(graph: &'g Graph, node: &crate::ir::graph::Node) -> Option<(AxisId, &'g str)> {
    let Elem::Index(axis) = graph.ty(*node.results.first()?).elem else { return None };
    match &graph.axis(axis).kind {
        AxisKind::Unique { table } | AxisKind::Rows { table } if node.op.name() == "locate" => Some((axis, table)),
        _ => None,
    }
}

/// The ids behind a lookup, checked against the table.
fn located(
    graph: &Graph,
    value: ValueId,
    values: &BTreeMap<ValueId, Column>,
    table: &str,
    table_rows: &BTreeMap<String, usize>,
) -> Result<Vec<u32>, ExecError> {
    let name = &graph.value(value).name;
    let Some(Column::U32(ids)) = values.get(&value) else { return Err(ExecError::NotKnown(name.clone())) };
    let rows = table_rows.get(table).copied().unwrap_or(0);
    match ids.iter().find(|&&id| id as usize >= rows) {
        Some(&id) => {
            let (name, table) = (name.clone(), table.to_owned());
            Err(ExecError::IdOutOfRange { name, id, table, rows })
        }
        None => Ok(ids.clone()),
    }
}

/// The uses of each place, by a counting sort, for every lookup whose gradient is summed.
fn lists(graph: &Graph, values: &BTreeMap<ValueId, Column>, rows: &Rows) -> BTreeMap<ValueId, Lists> {
    let mut lists = BTreeMap::new();
    for (_, node) in graph.nodes().filter(|(_, node)| node.op.name() == "scatter") {
        let count = rows.count(&graph.ty(node.results[0]).space);
        for places in node.operands.iter().skip(1).step_by(2) {
            if let Some(Column::U32(found)) = values.get(places) {
                lists.entry(*places).or_insert_with(|| uses(found, count));
            }
        }
    }
    lists
}

fn uses(places: &[u32], count: usize) -> Lists {
    let mut offsets = vec![0u32; count + 1];
    for &place in places {
        offsets[place as usize + 1] += 1;
    }
    for i in 0..count {
        offsets[i + 1] += offsets[i];
    }
    let mut next = offsets.clone();
    let mut rows = vec![0u32; places.len()];
    for (row, &place) in places.iter().enumerate() {
        let at = &mut next[place as usize];
        rows[*at as usize] = row as u32;
        *at += 1;
    }
    Lists { offsets, rows }
}

/// The ids of all lookups of one table, rising and without repetitions, and the place of every id among them. One sort
/// of ids with their positions answers both.
fn distinct(lookups: &[(ValueId, Vec<u32>)]) -> (Vec<u32>, Vec<Vec<u32>>) {
    let all = lookups
        .iter()
        .enumerate()
        .flat_map(|(lookup, (_, ids))| ids.iter().enumerate().map(move |(row, &id)| (id, lookup as u32, row as u32)));
    let mut uses: Vec<(u32, u32, u32)> = all.collect();
    radsort::sort_by_key(&mut uses, |&(id, ..)| id);
    let mut distinct: Vec<u32> = Vec::new();
    let mut places: Vec<Vec<u32>> = lookups.iter().map(|(_, ids)| vec![0; ids.len()]).collect();
    for (id, lookup, row) in uses {
        if distinct.last() != Some(&id) {
            distinct.push(id);
        }
        places[lookup as usize][row as usize] = distinct.len() as u32 - 1;
    }
    (distinct, places)
}

/// A value that is the condition of a sub-axis says how long that axis is.
fn bind_conditions(graph: &Graph, value: ValueId, column: &Column, rows: &mut Rows) -> Result<(), ExecError> {
    for axis in graph.axes().ids() {
        if let (AxisKind::Sub { condition, .. }, Column::F32(keep)) = (&graph.axis(axis).kind, column)
            && *condition == value
        {
            rows.bind_sub(axis, keep)?;
        }
    }
    Ok(())
}

/// The inputs of a batch, checked against their types. Inputs that the training loop sets are left out.
fn inputs(graph: &Graph, feed: &Feed, rows: &Rows) -> Result<BTreeMap<ValueId, Column>, ExecError> {
    let mut values = BTreeMap::new();
    for (_, input) in graph.inputs() {
        if matches!(input.source, InputSource::Schedule(_)) {
            continue;
        }
        let value = graph.value(input.value);
        let column = feed.columns.get(&value.name).ok_or_else(|| ExecError::MissingInput(value.name.clone()))?;
        let expected = rows.count(&value.ty.space) * value.ty.width as usize;
        let (found, kind, fits) = match column {
            Column::F32(values) => (values.len(), "f32", value.ty.is_float()),
            Column::U32(values) => (values.len(), "u32", !value.ty.is_float()),
        };
        if found != expected || !fits {
            let wanted = if value.ty.is_float() { "f32" } else { "u32" };
            let found = format!("{found} of {kind}");
            return Err(ExecError::WrongInput { name: value.name.clone(), expected, kind: wanted, found });
        }
        values.insert(input.value, column.clone());
    }
    Ok(values)
}

/// One node of the prologue by its reference value.
fn evaluate(
    graph: &Graph,
    id: NodeId,
    values: &BTreeMap<ValueId, Column>,
    rows: &Rows,
    noise: Noise,
) -> Result<Vec<(ValueId, Column)>, ExecError> {
    let node = graph.node(id);
    let name = graph.value(node.results[0]).name.clone();
    let failed = |source| ExecError::Candle { node: name.clone(), source };
    let mut operands = Vec::with_capacity(node.operands.len());
    for &operand in &node.operands {
        if matches!(graph.value(operand).def, Def::Param(_)) {
            return Err(ExecError::NotKnown(name));
        }
        let column = values.get(&operand).ok_or_else(|| ExecError::NotKnown(name.clone()))?;
        operands.push(tensor(column, graph.ty(operand), &Device::Cpu).map_err(failed)?);
    }
    let types: Vec<&Type> = node.operands.iter().map(|&operand| graph.ty(operand)).collect();
    let results: Vec<&Type> = node.results.iter().map(|&result| graph.ty(result)).collect();
    let call = Call {
        attrs: &node.attrs,
        types: &types,
        operands: &operands,
        results: &results,
        rows,
        noise,
        device: &Device::Cpu,
    };
    let tensors = node.op.eval(&call).map_err(failed)?;
    let columns = tensors.iter().zip(&node.results).map(|(tensor, &result)| Ok((result, column(tensor)?)));
    columns.collect::<candle_core::Result<_>>().map_err(failed)
}

/// A column as a matrix of its type's width.
pub(super) fn tensor(column: &Column, ty: &Type, device: &Device) -> candle_core::Result<Tensor> {
    let width = ty.width as usize;
    match column {
        Column::F32(values) => Tensor::from_slice(values, (values.len() / width.max(1), width), device),
        Column::U32(values) => Tensor::from_slice(values, (values.len() / width.max(1), width), device),
    }
}

/// A matrix as a column.
pub(super) fn column(tensor: &Tensor) -> candle_core::Result<Column> {
    let flat = tensor.flatten_all()?;
    match tensor.dtype() {
        candle_core::DType::U32 => Ok(Column::U32(flat.to_vec1()?)),
        _ => Ok(Column::F32(flat.to_vec1()?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_that_is_a_condition_says_how_long_its_axis_is() {
        let text = "model m { axis B: batch axis h: ragged of B input %c: bool[B, h] = feature(c) along h \
                    axis k: sub of h where %c }";
        let file = crate::diag::Sources::default().add("m.ir", text);
        let graph = crate::ir::read::read(text, file, crate::prim::REGISTRY).unwrap();
        let feed = Feed {
            samples: 2,
            ids: vec![0, 1],
            offsets: BTreeMap::from([("h".to_owned(), vec![0, 2, 3])]),
            columns: BTreeMap::from([("c".to_owned(), Column::F32(vec![0.0, 1.0, 1.0]))]),
        };
        let prepared = Prologue::of(&graph).prepare(&graph, &feed, &BTreeMap::new(), Noise::default()).unwrap();
        let axis = graph.axes().find("k").unwrap();
        assert_eq!(
            (prepared.rows.offsets(axis).to_vec(), prepared.rows.kept(axis).to_vec()),
            (vec![0, 1, 2], vec![1, 2])
        );
    }
}
