//! A run directory: everything that a trained model is, in one place that can be moved.
//!
//! `spec.yaml` (resolved), `model.ir`, `run.json` (what the run is of, and by which program), `data.bin` (vocabularies,
//! scales, joined sources, events), `last.safetensors`, `best.safetensors`, `metrics.jsonl`, `report.md`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::json;
use xxhash_rust::xxh3::xxh3_64;

use crate::data::Dataset;
use crate::diag::{Diagnostic, Diags, Sources};
use crate::lower::Program;
use crate::syntax::spec::Spec;

use super::checkpoint::Progress;
use super::evaluate::Evaluation;

/// What a run is of. Two runs of one identity on one machine give the same bits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The version of specrec.
    pub specrec: String,
    /// The model of the CPU: a matrix product's rounding follows its caches.
    pub cpu: String,
    /// Hash of the resolved spec.
    pub spec: String,
    /// Rows of every table: the vocabulary that was fitted.
    pub tables: Vec<(String, u64)>,
    /// The seed.
    pub seed: u64,
    /// Where relative paths of the spec start from.
    pub base: PathBuf,
}

impl Identity {
    /// The identity of training `spec` on `dataset` here.
    pub fn of(spec: &Spec, program: &Program, dataset: &Dataset, seed: u64) -> Self {
        let rows = |name: &str| dataset.rows_of(name).map_or(0, u64::from);
        Self {
            specrec: env!("CARGO_PKG_VERSION").to_owned(),
            cpu: cpu_model(),
            spec: format!("{:016x}", xxh3_64(crate::syntax::print::print(spec).as_bytes())),
            tables: program.tables.iter().map(|table| (table.name.clone(), rows(&table.name))).collect(),
            seed,
            base: std::path::absolute(&spec.base).unwrap_or_else(|_| spec.base.clone()),
        }
    }

    /// The part that weights depend on: a checkpoint of another one does not fit.
    pub fn model(&self) -> String {
        format!("{:016x}", xxh3_64(format!("{} {:?}", self.spec, self.tables).as_bytes()))
    }
}

/// The model name of the first processor.
fn cpu_model() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("model name"));
    line.and_then(|line| line.split(':').nth(1)).map_or("unknown", str::trim).to_owned()
}

/// Writes what is known before the first step.
///
/// # Errors
/// E0612: the directory cannot be written.
pub fn begin(
    dir: &Path,
    spec: &Spec,
    program: &Program,
    dataset: &Dataset,
    identity: &Identity,
) -> Result<(), Diagnostic> {
    let write = || -> io::Result<()> {
        std::fs::create_dir_all(dir)?;
        replace(&dir.join("spec.yaml"), crate::syntax::print::print(spec).as_bytes())?;
        replace(&dir.join("model.ir"), program.graph.to_string().as_bytes())?;
        dataset.save(dir)?;
        replace(&dir.join("run.json"), &serde_json::to_vec_pretty(identity)?)
    };
    write().map_err(|error| unwritable(dir, &error))
}

/// What `run.json` of a directory says.
///
/// # Errors
/// E0613: it is no run directory.
pub fn identity(dir: &Path) -> Result<Identity, Diagnostic> {
    let read = std::fs::read(dir.join("run.json")).map_err(|error| error.to_string());
    let parsed = read.and_then(|bytes| serde_json::from_slice(&bytes).map_err(|error| error.to_string()));
    parsed.map_err(|why| {
        Diagnostic::new("E0613", format!("`{}` is no run directory: `run.json`: {why}", dir.display()))
            .help("`specrec train SPEC --run DIR` makes one")
    })
}

/// The spec of a run, its relative paths starting where they did in training.
pub fn spec(dir: &Path, identity: &Identity, sources: &mut Sources, diags: &mut Diags) -> Option<Spec> {
    let path = dir.join("spec.yaml");
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let name = path.display().to_string();
            crate::syntax::load_text(&name, text.as_str(), &identity.base, &[], sources, diags)
        }
        Err(error) => {
            diags.push(Diagnostic::new("E0613", format!("`{}` cannot be read: {error}", path.display())));
            None
        }
    }
}

/// Adds a line to `metrics.jsonl`.
///
/// # Errors
/// E0612: it cannot be written.
pub fn log(dir: &Path, part: &str, step: u64, epoch: u32, evaluation: &Evaluation) -> Result<(), Diagnostic> {
    let mut line = json!({"part": part, "step": step, "epoch": epoch, "loss": evaluation.loss});
    for (name, measured) in &evaluation.metrics {
        line[name] = json!(measured.value);
    }
    let write = || -> io::Result<()> {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(dir.join("metrics.jsonl"))?;
        writeln!(file, "{line}")
    };
    write().map_err(|error| unwritable(dir, &error))
}

/// Drops the lines of `metrics.jsonl` that the checkpoint `progress` does not know of: their validations are made again.
/// A last line that was cut short goes too.
///
/// # Errors
/// E0612: it cannot be written.
pub fn forget_after(dir: &Path, progress: &Progress) -> Result<(), Diagnostic> {
    let path = dir.join("metrics.jsonl");
    let Ok(text) = std::fs::read_to_string(&path) else { return Ok(()) };
    let is_known = |line: &&str| {
        let Ok(line) = serde_json::from_str::<serde_json::Value>(line) else { return false };
        let count = |key: &str| line[key].as_u64().unwrap_or(u64::MAX);
        let of_the_end = line["part"].as_str().is_none_or(|part| part.starts_with("best."));
        count("step") <= progress.step && count("epoch") <= u64::from(progress.epoch) && !of_the_end
    };
    let kept: String = text.lines().filter(is_known).map(|line| format!("{line}\n")).collect();
    replace(&path, kept.as_bytes()).map_err(|error| unwritable(dir, &error))
}

/// Writes a file beside its place and puts it there.
///
/// # Errors
/// As the file system's.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = super::checkpoint::beside(path);
    let mut file = std::fs::File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}

fn unwritable(dir: &Path, error: &io::Error) -> Diagnostic {
    Diagnostic::new("E0612", format!("`{}` cannot be written: {error}", dir.display()))
        .help("`--run DIR` names another place")
}
