//! Training: metrics, checkpoints, run directories, the loop.

mod ahead;
pub mod checkpoint;
pub mod engine;
pub mod evaluate;
pub mod failure;
pub mod fingerprint;
pub mod fit;
pub mod floor;
mod inner;
pub mod metric;
mod occurrence;
pub mod open;
pub mod order;
pub mod predict;
mod profile;
mod protocol;
pub mod results;
pub mod run;
pub mod run_dir;
pub mod schedule;
mod stopper;
mod tensorboard;
mod tensors;

use std::collections::BTreeMap;

use crate::data::Want;
use crate::diag::Diagnostic;
use crate::exec::weights::table_of;
use crate::ir::graph::Graph;
use crate::ir::input::InputSource;
use crate::lower::{Program, Rows};

/// What graphs read from data, each input once.
pub fn wants(graphs: &[&Graph]) -> Vec<Want> {
    let mut wants: BTreeMap<String, Want> = BTreeMap::new();
    for graph in graphs {
        for (_, input) in graph.inputs() {
            if !matches!(input.source, InputSource::Schedule(_) | InputSource::Run { .. }) {
                let name = graph.value(input.value).name.clone();
                wants.insert(name.clone(), Want { name, source: input.source.clone() });
            }
        }
    }
    wants.into_values().collect()
}

/// Rows of every table that some graphs read, by what the data found.
///
/// # Errors
/// E0620: the data knows no such table, a fault of specrec.
pub fn table_rows(graphs: &[&Graph], of: impl Fn(&str) -> Option<u32>) -> Result<BTreeMap<String, usize>, Diagnostic> {
    let mut rows = BTreeMap::new();
    for graph in graphs {
        for table in graph.params().filter_map(|(_, param)| table_of(graph, param.value)) {
            let found = of(table)
                .ok_or_else(|| Diagnostic::new("E0620", format!("the data has no rows for table `{table}`")))?;
            rows.insert(table.to_owned(), found as usize);
        }
    }
    Ok(rows)
}

/// Rows of every table without data: what is known, and `symbolic` rows for a vocabulary that is not fitted yet.
pub fn symbolic_rows(program: &Program, symbolic: usize) -> BTreeMap<String, usize> {
    let rows = |rows: Rows| match rows {
        Rows::Vocabulary => symbolic,
        Rows::Hash(n) | Rows::Size(n) | Rows::Buckets(n) => n as usize + 1,
    };
    program.tables.iter().map(|table| (table.name.clone(), rows(table.rows))).collect()
}
