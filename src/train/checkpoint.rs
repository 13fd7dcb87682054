//! A checkpoint: every parameter of the training graph and the place in the run, in one safetensors file that is replaced as a whole or not at all.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::tensors::{self, CHUNK, Numbers, Parts, Tensor, in_bytes, sum};
use crate::diag::Diagnostic;
use crate::exec::weights::Weights;

/// Where a run stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Steps done since the start of training; the learning rate and all noise follow from it.
    pub step: u64,
    /// Epochs done.
    pub epoch: u32,
    /// Batches done of the epoch after these.
    pub batch: u64,
    /// Samples behind `loss_sum`.
    pub loss_samples: u64,
    /// Sum over the samples since the last validation of their loss.
    pub loss_sum: f64,
    /// Step of the last validation.
    pub validated: u64,
    /// Best value of the monitored metric, and the step it was measured after.
    pub best: Option<(f64, u64)>,
    /// Validations since the best one.
    pub waited: u32,
    /// Whether there were as many of those as patience allows.
    pub out_of_patience: bool,
}

/// What a checkpoint says beside its tensors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The place in the run.
    pub progress: Progress,
    /// Seed of the run.
    pub seed: u64,
    /// The model and data that the weights belong to, as in `run.json`.
    pub identity: String,
}

/// The metadata entry that makes a safetensors file one of ours.
const ENTRY: &str = "specrec";
/// Raised when a reader of an older version would misread the file.
const VERSION: u64 = 1;
/// No header of ours is larger; a larger number is not a header's length.
const LARGEST_HEADER: u64 = 100 << 20;

/// Writes a checkpoint beside its place, makes sure of it on the disk, and puts it there: whatever happens, the place
/// holds a whole checkpoint or none.
///
/// # Errors
/// E0610: the file cannot be written, for example on a full disk; a checkpoint that was there before still is.
pub fn save(path: &Path, weights: &Weights, state: &State) -> Result<(), Diagnostic> {
    let beside = beside(path);
    let written =
        write(&beside, weights, state).and_then(|()| std::fs::rename(&beside, path)).and_then(|()| settle(path));
    written.map_err(|why| {
        // What is left of the attempt is of no use, and the disk may be full.
        let _gone = std::fs::remove_file(&beside);
        Diagnostic::new("E0610", format!("checkpoint `{}` cannot be written: {why}", path.display()))
            .note("the checkpoint before it is untouched")
            .help("free some space, then go on with `--resume`")
    })
}

/// Reads a checkpoint.
///
/// # Errors
/// E0611: there is none, or it is cut short, changed, or of another program.
pub fn load(path: &Path) -> Result<(Weights, State), Diagnostic> {
    read(path).map_err(|why| {
        let why = match why {
            Unreadable::Io(error) => format!("cannot be read: {error}"),
            Unreadable::Content(fact) => format!("is not a whole checkpoint: {fact}"),
        };
        Diagnostic::new("E0611", format!("`{}` {why}", path.display()))
            .help("take another checkpoint of the run (`best.safetensors`, `last.safetensors`), or train again")
    })
}

/// Why a file gives no checkpoint.
enum Unreadable {
    Io(io::Error),
    Content(String),
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Content("it ends too early".to_owned()),
            _ => Self::Io(error),
        }
    }
}

/// The name under which a file is written before it takes its place.
pub(crate) fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    path.with_file_name(name)
}

/// Makes a rename last: the directory is a file too.
pub(crate) fn settle(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => File::open(dir)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

/// The format is written here and not by the `safetensors` crate, which either holds the whole file in memory once more
/// or chooses its own file. The header's keys are in order, so equal checkpoints are equal files.
fn write(path: &Path, weights: &Weights, state: &State) -> io::Result<()> {
    let (tensors, parts) = tensors::of(weights);
    let (state, parts) = (serde_json::to_string(state)?, text_of(&parts)?);
    let sum = format!("{:016x}", sum(&format!("{state}{parts}"), &tensors));
    let mut entry = json!({"version": VERSION, "state": state, "sum": sum});
    if !parts.is_empty() {
        entry["parts"] = parts.into();
    }
    let mut header = Map::new();
    header.insert("__metadata__".to_owned(), json!({ ENTRY: entry.to_string() }));
    let mut offset = 0;
    for Tensor { name, shape, numbers } in &tensors {
        let end = offset + shape.iter().product::<usize>() * 4;
        let tensor = json!({"dtype": numbers.kind(), "shape": shape, "data_offsets": [offset, end]});
        header.insert(name.clone(), tensor);
        offset = end;
    }
    let mut header = Value::Object(header).to_string().into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(&(header.len() as u64).to_le_bytes())?;
    file.write_all(&header)?;
    for tensor in &tensors {
        in_bytes(&tensor.numbers, |bytes| file.write_all(bytes))?;
    }
    file.into_inner()?.sync_all()
}

/// Nothing where every table is saved in full, as in files of earlier versions.
fn text_of(parts: &Parts) -> io::Result<String> {
    if parts.is_empty() { Ok(String::new()) } else { Ok(serde_json::to_string(parts)?) }
}

fn read(path: &Path) -> Result<(Weights, State), Unreadable> {
    let content = |fact: &str| Unreadable::Content(fact.to_owned());
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut file = BufReader::new(file);
    let mut length = [0; 8];
    file.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    if length > LARGEST_HEADER || length > size {
        return Err(content("it has no safetensors header"));
    }
    let mut header = vec![0; length as usize];
    file.read_exact(&mut header)?;
    let header: Map<String, Value> =
        serde_json::from_slice(&header).map_err(|_| content("its safetensors header is broken"))?;
    let entry = header.get("__metadata__").and_then(|metadata| metadata.get(ENTRY)).and_then(Value::as_str);
    let entry: Value = entry
        .and_then(|entry| serde_json::from_str(entry).ok())
        .ok_or_else(|| content("another program wrote this file, there is no `specrec` in its metadata"))?;
    if entry.get("version").and_then(Value::as_u64) != Some(VERSION) {
        return Err(Unreadable::Content(format!("expected version {VERSION} of the format, found another")));
    }
    let text = |name| entry.get(name).and_then(Value::as_str).unwrap_or_default();
    let state = serde_json::from_str(text("state")).map_err(|_| content("its state is broken"))?;
    let mut found = Vec::new();
    let mut left = size - 8 - length;
    for (name, tensor) in header.iter().filter(|(name, _)| *name != "__metadata__") {
        let shape = shape(tensor).ok_or_else(|| broken(name))?;
        let count = shape.iter().try_fold(1usize, |count, &side| count.checked_mul(side));
        let bytes = count.and_then(|count| count.checked_mul(4)).map(|bytes| bytes as u64);
        left = bytes.and_then(|bytes| left.checked_sub(bytes)).ok_or_else(|| content("it ends too early"))?;
        let count = count.unwrap_or(0);
        let numbers = match tensor.get("dtype").and_then(Value::as_str) {
            Some("F32") => Numbers::F32(vec![numbers(&mut file, count, f32::from_le_bytes)?.into()]),
            Some("U32") => Numbers::U32(numbers(&mut file, count, u32::from_le_bytes)?),
            _ => return Err(broken(name)),
        };
        found.push(Tensor { name: name.clone(), shape, numbers });
    }
    let sum = format!("{:016x}", sum(&format!("{}{}", text("state"), text("parts")), &found));
    if left > 0 || sum != text("sum") {
        return Err(content("its content changed after it was written"));
    }
    let parts = match text("parts") {
        "" => Parts::new(),
        parts => serde_json::from_str(parts).map_err(|_| content("what it says of large tables is broken"))?,
    };
    let weights = tensors::weights(found, &parts).map_err(|name| broken(&name))?;
    Ok((weights, state))
}

fn broken(name: &str) -> Unreadable {
    Unreadable::Content(format!("tensor `{name}` is broken"))
}

fn shape(tensor: &Value) -> Option<Vec<usize>> {
    let sides = tensor.get("shape")?.as_array()?.iter();
    sides.map(|side| side.as_u64().and_then(|side| usize::try_from(side).ok())).collect()
}

fn numbers<T>(file: &mut impl Read, count: usize, number: fn([u8; 4]) -> T) -> io::Result<Vec<T>> {
    let mut numbers = Vec::with_capacity(count);
    let mut bytes = vec![0; CHUNK * 4];
    while numbers.len() < count {
        let bytes = &mut bytes[..(count - numbers.len()).min(CHUNK) * 4];
        file.read_exact(bytes)?;
        numbers.extend(bytes.chunks_exact(4).map(|four| number([four[0], four[1], four[2], four[3]])));
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::init::First;
    use crate::exec::matrix::Matrix;
    use crate::ir::graph::Init;

    /// Rows and width of a large table.
    const ROWS: usize = 20_000;
    const WIDTH: usize = 1_000;

    fn example() -> (Weights, State) {
        let mut weights = Weights::default();
        let data: Vec<f32> = (0..40_000).map(|i| (i as f32).sin()).collect();
        weights.insert("table.movie", Matrix::new(10_000, 4, data));
        weights.insert("logit.w", Matrix::new(1, 2, vec![f32::NAN, -0.0]));
        weights.insert("empty", Matrix::new(0, 3, Vec::new()));
        let first = First::new(Init::Normal { std: 0.1 + 0.2 }, "table.user", 7).unwrap();
        let ids = [3, 4, ROWS as u32 - 1];
        let data: Vec<f32> = (0..3 * WIDTH).map(|i| (i as f32).cos()).collect();
        weights.insert("table.user", Matrix::in_part(ROWS, WIDTH, first, &ids, &data).unwrap());
        let progress = Progress { step: 7, best: Some((0.1 + 0.2, 3)), loss_sum: 1.0 / 3.0, ..Progress::default() };
        (weights, State { progress, seed: u64::MAX, identity: "abc".to_owned() })
    }

    /// Names, sizes, what is known of rows that are not drawn, and the bits of those that are.
    fn bits(weights: &Weights) -> Vec<(String, [usize; 2], Option<First>, Vec<u32>)> {
        let of = |(name, matrix): (&str, &Matrix)| {
            let drawn = matrix.drawn().flat_map(|(rows, own)| {
                let numbers = own.iter().map(|number| number.to_bits());
                rows.map(|row| row as u32).chain(numbers).collect::<Vec<_>>()
            });
            (name.to_owned(), [matrix.rows(), matrix.width()], matrix.rest().cloned(), drawn.collect())
        };
        weights.iter().map(of).collect()
    }

    fn saved(dir: &Path) -> PathBuf {
        let (weights, state) = example();
        let path = dir.join("last.safetensors");
        save(&path, &weights, &state).unwrap();
        path
    }

    #[test]
    fn what_is_saved_is_loaded_to_the_bit() {
        let dir = tempfile::tempdir().unwrap();
        let path = saved(dir.path());
        let ((weights, state), (loaded, of)) = (example(), load(&path).unwrap());
        assert_eq!(state, of);
        assert_eq!(bits(&weights), bits(&loaded));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn numbers_of_the_state_keep_every_bit() {
        for i in 1..20_000 {
            let progress = Progress { loss_sum: f64::from(i).sqrt() * 137.0, ..Progress::default() };
            let text = serde_json::to_string(&progress).unwrap();
            assert_eq!(serde_json::from_str::<Progress>(&text).unwrap(), progress, "{text}");
        }
    }

    #[test]
    fn other_programs_can_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let bytes = std::fs::read(saved(dir.path())).unwrap();
        let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(tensors.tensor("table.movie").unwrap().shape(), [10_000, 4]);
        assert_eq!(tensors.tensor("table.movie").unwrap().data()[4..8], 1f32.sin().to_le_bytes());
        assert_eq!(tensors.tensor("table.user").unwrap().shape(), [3, WIDTH]);
        assert_eq!(tensors.tensor("table.user:rows").unwrap().data()[4..8], 4u32.to_le_bytes());
    }

    fn error(path: &Path) -> String {
        let finding = load(path).unwrap_err();
        assert_eq!(finding.code, "E0611");
        finding.title
    }

    #[test]
    fn a_cut_checkpoint_is_an_error_wherever_it_is_cut() {
        let dir = tempfile::tempdir().unwrap();
        let bytes = std::fs::read(saved(dir.path())).unwrap();
        let path = dir.path().join("cut");
        for length in [0, 1, 7, 8, 9, 100, 500, bytes.len() - 5000, bytes.len() - 1] {
            std::fs::write(&path, &bytes[..length]).unwrap();
            assert!(error(&path).contains("is not a whole checkpoint"), "{length}");
        }
        std::fs::write(&path, [bytes, vec![0]].concat()).unwrap();
        assert!(error(&path).contains("changed after it was written"));
    }

    #[test]
    fn any_changed_byte_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let bytes = std::fs::read(saved(dir.path())).unwrap();
        let path = dir.path().join("changed");
        let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize + 8;
        for at in (0..header).step_by(3).chain([header, header + 777, bytes.len() - 1]) {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            std::fs::write(&path, &bytes).unwrap();
            match load(&path) {
                Err(finding) => assert_eq!(finding.code, "E0611"),
                // Trailing blanks and the offsets of tensors in order say nothing that could be lost.
                Ok((weights, state)) => assert_eq!((bits(&weights), state), {
                    let (weights, state) = example();
                    (bits(&weights), state)
                }),
            }
        }
    }

    #[test]
    fn a_foreign_file_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("foreign");
        let header = r#"{"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]}}"#;
        let bytes = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 4]].concat();
        std::fs::write(&path, &bytes).unwrap();
        assert!(error(&path).contains("another program wrote this file"));
        std::fs::write(&path, "name: din\nmodel: {}\n").unwrap();
        assert!(error(&path).contains("no safetensors header"));
        assert!(error(&dir.path().join("absent")).contains("cannot be read"));
        assert!(error(dir.path()).contains("cannot be read"));
    }

    #[test]
    fn a_failed_write_leaves_the_checkpoint_before_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = saved(dir.path());
        // `/dev/full` takes no byte: the device of a full disk.
        std::os::unix::fs::symlink("/dev/full", beside(&path)).unwrap();
        let (weights, mut state) = example();
        state.progress.step = 8;
        let finding = save(&path, &weights, &state).unwrap_err();
        assert_eq!(finding.code, "E0610");
        assert!(finding.title.contains("No space left"), "{}", finding.title);
        assert_eq!(load(&path).unwrap().1.progress.step, 7);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        save(&path, &weights, &state).unwrap();
        assert_eq!(load(&path).unwrap().1.progress.step, 8);
    }
}
