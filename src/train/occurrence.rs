//! How often the train part names each row of a table, where a graph asks for it.

use std::collections::{BTreeMap, BTreeSet};

use crate::data::{Dataset, Order};
use crate::diag::Diagnostic;
use crate::exec::feed::Column;
use crate::exec::weights::table_of;
use crate::ir::axis::AxisKind;
use crate::ir::graph::{Def, Graph, Init};
use crate::ir::types::Elem;
use crate::syntax::spec::Part;

/// Samples that are counted at a time.
const BATCH: usize = 4096;

/// By parameter: for each row of its table how many ids of the train part, of samples and of their events, name it; at
/// least 1.
///
/// # Errors
/// Data that cannot be read.
pub(super) fn occurrences(
    graph: &Graph,
    dataset: &Dataset,
    rows: &BTreeMap<String, usize>,
) -> Result<BTreeMap<String, Vec<f32>>, Diagnostic> {
    let mut counted: Vec<(String, Vec<String>, Vec<u64>)> = Vec::new();
    for (_, param) in graph.params().filter(|(_, param)| param.init == Init::Counts) {
        if let Some(table) = table_of(graph, param.value) {
            let size = rows.get(table).copied().unwrap_or(0);
            counted.push((param.name.clone(), inputs_of(graph, table), vec![0; size]));
        }
    }
    if counted.is_empty() {
        return Ok(BTreeMap::new());
    }
    for batch in dataset.batches(Part::Train, BATCH, Order::Sequential, 0) {
        let batch = batch?;
        for (_, inputs, counts) in &mut counted {
            for ids in inputs.iter().filter_map(|input| batch.feed.columns.get(input)) {
                let Column::U32(ids) = ids else { continue };
                ids.iter().filter_map(|&id| counts.get_mut(id as usize).map(|count| *count += 1)).count();
            }
        }
    }
    let numbers = |counts: Vec<u64>| counts.into_iter().map(|count| count.max(1) as f32).collect();
    Ok(counted.into_iter().map(|(name, _, counts)| (name, numbers(counts))).collect())
}

/// The inputs of ids that are looked up in a table.
fn inputs_of(graph: &Graph, table: &str) -> Vec<String> {
    let mut found = BTreeSet::new();
    for (_, node) in graph.nodes().filter(|(_, node)| node.op.name() == "locate") {
        let Some(Elem::Index(axis)) = node.results.first().map(|&result| &graph.ty(result).elem) else { continue };
        if !matches!(&graph.axis(*axis).kind, AxisKind::Unique { table: own } if own == table) {
            continue;
        }
        let behind = node.operands.iter().flat_map(|&ids| graph.behind(ids, |_| true));
        let inputs = behind.filter(|&value| matches!(graph.value(value).def, Def::Input(_)));
        let ids = inputs.filter(|&value| matches!(graph.ty(value).elem, Elem::Id(_)));
        found.extend(ids.map(|value| graph.value(value).name.clone()));
    }
    found.into_iter().collect()
}
