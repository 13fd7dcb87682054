//! A run directory: everything about one training run, and all that `eval` and `predict` need.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::checkpoint::{beside, settle};
use super::fingerprint::Fingerprint;
use super::inner::KEPT;
use crate::diag::Diagnostic;

/// What is to become of a directory that holds a run already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// An error.
    #[default]
    New,
    /// The run goes on.
    Resume,
    /// The run is replaced.
    Force,
}

/// `run.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct About {
    /// The spec's name.
    pub(super) name: String,
    pub(super) fingerprint: Fingerprint,
    /// The files that samples are rows of, each by its size and a hash: another run that reads the same ones is told by them.
    #[serde(default)]
    pub(super) files: Vec<String>,
}

/// An open run directory. It is locked while it is written to.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    /// The lock ends with the file, however the process ends.
    _lock: Option<File>,
}

/// Marks a directory as a run's, and is written once the rest is there.
const ABOUT: &str = "run.json";
const LOCK: &str = "lock";
/// The resolved spec.
pub const SPEC: &str = "spec.yaml";
/// Weights of the best validation.
pub const BEST: &str = "best.safetensors";
/// Where a run goes on.
pub const LAST: &str = "last.safetensors";
/// A line per measurement.
pub const METRICS: &str = "metrics.jsonl";
/// For people.
pub const REPORT: &str = "report.md";
/// What the time of the last training steps went to, for Perfetto.
pub const PROFILE: &str = "profile.json";
/// The model graph.
pub const GRAPH: &str = "model.ir";
/// Graphs of training, evaluation and prediction after all passes.
pub const GRAPHS: [&str; 3] = ["train.ir", "evaluate.ir", "predict.ir"];
/// What the data layer writes.
const DATA: [&str; 3] = ["data.bin", "samples.bin", "values.bin"];
/// What is kept of other runs whose values are read.
pub(super) const FROZEN: &str = "frozen";

impl RunDir {
    /// Opens a directory for training. Whether there is a run to go on with is for the checkpoint to say.
    pub(super) fn create(path: &Path, start: Start) -> Result<Self, Diagnostic> {
        let shown = path.display();
        let io = |why: io::Error| cannot_write(path, &why);
        let is_run = path.join(ABOUT).is_file();
        let is_other =
            !is_run && fs::read_dir(path).is_ok_and(|mut entries| entries.any(|entry| entry.is_ok_and(foreign)));
        match start {
            _ if is_other => {
                return Err(Diagnostic::new("E0613", format!("`{shown}` is not empty and no run directory"))
                    .help("choose another directory: `--run DIR`"));
            }
            Start::New if is_run => {
                return Err(Diagnostic::new("E0614", format!("`{shown}` holds a run already"))
                    .help("`--resume` goes on with it")
                    .help("`--run DIR` begins one elsewhere")
                    .help("`--force` replaces it"));
            }
            // A run that was killed before it had its `run.json` left its lock: there is nothing to go on with, so it begins.
            Start::Resume if !is_run && !path.join(LOCK).is_file() => {
                return Err(Diagnostic::new("E0613", format!("`{shown}` holds no run to go on with"))
                    .help("without `--resume` a run begins there"));
            }
            _ => {}
        }
        fs::create_dir_all(path).map_err(io)?;
        let lock = OpenOptions::new().create(true).append(true).open(path.join(LOCK)).map_err(io)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Diagnostic::new("E0614", format!("another process trains in `{shown}`"))
                    .help("wait for it, or choose another directory: `--run DIR`"));
            }
            // Some file systems know no locks; then there is none.
            Err(TryLockError::Error(_)) => {}
        }
        Ok(Self { path: path.to_owned(), _lock: Some(lock) })
    }

    /// Opens the directory of a run to read it.
    ///
    /// # Errors
    /// E0613: it is none.
    pub fn open(path: &Path) -> Result<Self, Diagnostic> {
        if path.join(ABOUT).is_file() {
            return Ok(Self { path: path.to_owned(), _lock: None });
        }
        let what = if path.is_dir() { "no run directory: there is no `run.json` in it" } else { "no directory" };
        let finding = Diagnostic::new("E0613", format!("`{}` is {what}", path.display()));
        Err(finding.help("`specrec train SPEC` makes one, `runs/NAME` unless `--run DIR` says another"))
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Keeps the files of another run that its values are computed from.
    pub(super) fn keep(&self, run: &Path, under: &str) -> Result<(), Diagnostic> {
        let place = self.file(under);
        fs::create_dir_all(&place).map_err(|why| cannot_write(&place, &why))?;
        for name in KEPT {
            let (from, to) = (run.join(name), place.join(name));
            // Of a run without a validation there are no best weights; what is missing and needed was found before.
            if from.is_file() {
                fs::copy(&from, &to).map_err(|why| cannot_write(&to, &why))?;
            }
        }
        Ok(())
    }

    /// Replaces a file as a whole.
    pub(super) fn write(&self, name: &str, content: &[u8]) -> Result<(), Diagnostic> {
        replace(&self.file(name), |file| file.write_all(content))
    }

    pub(super) fn write_about(&self, about: &About) -> Result<(), Diagnostic> {
        let text = serde_json::to_string_pretty(about).unwrap_or_default();
        self.write(ABOUT, text.as_bytes())
    }

    pub(super) fn about(&self) -> Result<About, Diagnostic> {
        let path = self.file(ABOUT);
        let found = fs::read(&path).map_err(|why| why.to_string());
        let found = found.and_then(|text| serde_json::from_slice(&text).map_err(|why| why.to_string()));
        found.map_err(|why| Diagnostic::new("E0613", format!("`{}` cannot be read: {why}", path.display())))
    }

    /// Text of a file that training wrote.
    pub(super) fn read(&self, name: &str) -> Result<String, Diagnostic> {
        let path = self.file(name);
        fs::read_to_string(&path).map_err(|why| {
            Diagnostic::new("E0613", format!("`{}` cannot be read: {why}", path.display()))
                .help("a run directory is copied as a whole")
        })
    }

    /// Adds a line to the measurements.
    pub(super) fn append_measurement(&self, line: &Value) -> Result<(), Diagnostic> {
        let path = self.file(METRICS);
        let append = || -> io::Result<()> {
            let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
            file.write_all(format!("{line}\n").as_bytes())
        };
        append().map_err(|why| cannot_write(&path, &why))
    }

    /// Measurements so far; a line that a killed process left half written is none.
    pub(super) fn measurements(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.file(METRICS)).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Forgets what was measured after a step, so that a run that goes on from there writes what the uninterrupted run does.
    pub(super) fn forget_after(&self, step: u64) -> Result<(), Diagnostic> {
        let kept = self.measurements().into_iter().filter(|line| {
            let of_training = line.get("part").and_then(Value::as_str) != Some("test");
            of_training && line.get("step").and_then(Value::as_u64).is_some_and(|at| at <= step)
        });
        let text: String = kept.map(|line| format!("{line}\n")).collect();
        self.write(METRICS, text.as_bytes())
    }

    /// Removes the files of a run that is replaced, and nothing else that may lie there.
    pub(super) fn clear(&self) -> Result<(), Diagnostic> {
        let remove = || -> io::Result<()> {
            for entry in fs::read_dir(&self.path)? {
                let entry = entry?;
                if ours(&entry.file_name().to_string_lossy()) {
                    fs::remove_file(entry.path())?;
                }
            }
            for run in fs::read_dir(self.path.join(FROZEN)).into_iter().flatten() {
                for name in KEPT {
                    let path = run.as_ref().map_or_else(|_| PathBuf::new(), |run| run.path().join(name));
                    if path.is_file() {
                        fs::remove_file(path)?;
                    }
                }
            }
            Ok(())
        };
        remove().map_err(|why| cannot_write(&self.path, &why))
    }
}

fn ours(name: &str) -> bool {
    let names = [ABOUT, SPEC, BEST, LAST, METRICS, REPORT, PROFILE, GRAPH];
    let name = name.strip_suffix(".partial").unwrap_or(name);
    names.contains(&name) || GRAPHS.contains(&name) || DATA.contains(&name) || name.starts_with("events.out.tfevents.")
}

/// Whether a file is not one that a run could have left before it had its `run.json`.
fn foreign(entry: fs::DirEntry) -> bool {
    let name = entry.file_name();
    let name = name.to_string_lossy();
    name != LOCK && name != FROZEN && !ours(&name)
}

/// Writes a file beside its place and puts it there when it is whole.
pub(crate) fn replace(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), Diagnostic> {
    let beside = beside(path);
    let written = File::create(&beside).and_then(|mut file| write(&mut file).and_then(|()| file.sync_all()));
    let put = written.and_then(|()| fs::rename(&beside, path)).and_then(|()| settle(path));
    put.map_err(|why| {
        let _gone = fs::remove_file(&beside);
        cannot_write(path, &why)
    })
}

pub(crate) fn cannot_write(path: &Path, why: &io::Error) -> Diagnostic {
    Diagnostic::new("E0612", format!("`{}` cannot be written: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn code(result: Result<RunDir, Diagnostic>) -> &'static str {
        result.map_or_else(|finding| finding.code, |_| "")
    }

    #[test]
    fn a_run_is_not_replaced_unless_that_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("runs/din");
        assert_eq!(code(RunDir::create(&path, Start::Resume)), "E0613");
        let run = RunDir::create(&path, Start::New).unwrap();
        run.write(ABOUT, b"{}").unwrap();
        run.write(METRICS, b"").unwrap();
        fs::write(path.join("notes.txt"), "mine").unwrap();
        assert_eq!(code(RunDir::create(&path, Start::Resume)), "E0614", "it is in use");
        drop(run);
        assert_eq!(code(RunDir::create(&path, Start::New)), "E0614");
        assert_eq!(code(RunDir::create(&path, Start::Resume)), "");
        RunDir::create(&path, Start::Force).unwrap().clear().unwrap();
        let mut left: Vec<_> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [LOCK, "notes.txt"]);
    }

    #[test]
    fn a_directory_of_other_things_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("thesis.tex"), "").unwrap();
        for start in [Start::New, Start::Resume, Start::Force] {
            assert_eq!(code(RunDir::create(dir.path(), start)), "E0613");
        }
        assert_eq!(code(RunDir::open(dir.path())), "E0613");
        assert_eq!(code(RunDir::open(&dir.path().join("absent"))), "E0613");
    }

    #[test]
    fn a_run_that_goes_on_forgets_what_it_will_measure_again() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(dir.path(), Start::New).unwrap();
        for (step, part) in [(10, "train"), (10, "valid"), (20, "train"), (10, "test")] {
            run.append_measurement(&json!({"step": step, "part": part})).unwrap();
        }
        fs::OpenOptions::new().append(true).open(run.file(METRICS)).unwrap().write_all(b"{\"step\":2").unwrap();
        assert_eq!(run.measurements().len(), 4);
        run.forget_after(10).unwrap();
        assert_eq!(run.read(METRICS).unwrap(), "{\"step\":10,\"part\":\"train\"}\n{\"step\":10,\"part\":\"valid\"}\n");
    }
}
