//! Rules of the house that no compiler holds: the size of files, the direction of dependencies, what a folder may name.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Most lines of a file of code.
const LINES: usize = 400;

/// Folders of the crate, each after those that it may use.
const LAYERS: &[&str] =
    &["diag", "expr", "syntax", "ir", "prim", "block", "lower", "pass", "exec", "data", "train", "cli"];

/// Names of models, which the folders of [`WITHOUT_MODELS`] do not know.
const MODELS: &[&str] = &[
    "autoint", "bert", "bert4rec", "bst", "cin", "dcn", "deepfm", "dien", "din", "dsin", "fm", "gru4rec", "mimn",
    "nfm", "prm", "sasrec", "xdeepfm",
];

/// Folders in which every model is the same to the code.
const WITHOUT_MODELS: &[&str] = &["src/ir", "src/prim", "src/pass", "src/exec"];

/// Folders that reach no file, clock, process or network: all that they read is handed to them.
const PURE: &[&str] = &["src/expr", "src/ir", "src/prim", "src/block", "src/lower", "src/pass"];

/// Every file with an ending under some folders, in order.
fn files(folders: &[&str], end: &str) -> Vec<PathBuf> {
    let (mut open, mut found): (Vec<PathBuf>, Vec<PathBuf>) = (folders.iter().map(PathBuf::from).collect(), Vec::new());
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|own| own == end) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn code() -> Vec<(PathBuf, String)> {
    let files = files(&["src", "tests", "benches", "examples"], "rs");
    files.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

/// A file of the crate without its tests; none if all of it is tests.
fn shipped_part(path: &Path, text: &str) -> Option<String> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    let is_test_module = |parent: &Path| {
        let module = format!("#[cfg(test)]\npub(crate) mod {};", name.trim_end_matches(".rs"));
        let private = module.replace("pub(crate) ", "");
        let text = std::fs::read_to_string(parent.join("mod.rs")).unwrap_or_default();
        text.contains(&module) || text.contains(&private)
    };
    if name == "tests.rs" || path.parent().is_some_and(is_test_module) {
        return None;
    }
    Some(text.split("#[cfg(test)]\nmod tests").next().unwrap_or("").to_owned())
}

/// The words of a text: runs of letters and digits.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

fn none_of(wrong: &[String]) {
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_file_says_what_it_is_and_is_short() {
    let mut wrong = Vec::new();
    for (path, text) in code() {
        let lines = text.lines().count();
        if lines >= LINES {
            wrong.push(format!("{} has {lines} lines, and a file has less than {LINES}", path.display()));
        }
        if !text.starts_with("//! ") {
            wrong.push(format!("{} does not begin with a line `//! ...` that says what it is", path.display()));
        }
    }
    none_of(&wrong);
}

#[test]
fn dependencies_run_one_way() {
    let layer = |name: &str| LAYERS.iter().position(|layer| *layer == name);
    let mut wrong = Vec::new();
    for (path, text) in code().into_iter().filter(|(path, _)| path.starts_with("src")) {
        let folder = path.components().nth(1).map(|part| part.as_os_str().to_string_lossy().into_owned());
        let (Some(own), Some(text)) = (folder.as_deref().and_then(layer), shipped_part(&path, &text)) else { continue };
        let used: BTreeSet<&str> = text
            .split("crate::")
            .skip(1)
            .filter_map(|rest| words(rest.split([':', ';', ',']).next()?).next())
            .collect();
        for used in used {
            if layer(used).is_some_and(|used| used > own) {
                wrong.push(format!("{} uses `crate::{used}`, which stands above it", path.display()));
            }
        }
    }
    none_of(&wrong);
}

#[test]
fn every_folder_of_the_crate_has_its_place() {
    let folders = std::fs::read_dir("src").unwrap().map(|entry| entry.unwrap().path());
    let found: BTreeSet<String> = folders
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    let placed: BTreeSet<String> = LAYERS.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(found, placed);
}

#[test]
fn nothing_below_lowering_names_a_model() {
    let mut wrong = Vec::new();
    for path in files(WITHOUT_MODELS, "rs") {
        let text = std::fs::read_to_string(&path).unwrap();
        for (at, line) in text.lines().enumerate() {
            if let Some(model) = words(line).find(|word| MODELS.contains(&word.to_lowercase().as_str())) {
                wrong.push(format!("{}:{} names `{model}`", path.display(), at + 1));
            }
        }
    }
    none_of(&wrong);
}

#[test]
fn the_core_reaches_nothing_outside() {
    let mut wrong = Vec::new();
    for path in files(PURE, "rs") {
        let text = std::fs::read_to_string(&path).unwrap();
        let Some(text) = shipped_part(&path, &text) else { continue };
        for outside in ["std::fs", "std::net", "std::env", "std::process", "std::time", "std::thread"] {
            if text.contains(outside) {
                wrong.push(format!("{} uses `{outside}`", path.display()));
            }
        }
    }
    none_of(&wrong);
}

#[test]
fn unsafe_code_stands_where_it_is_expected() {
    let allowed = |path: &Path| {
        // Kernels, memory maps, and the launch of a kernel of the GPU.
        let folders = ["src/exec/kernels", "src/data"];
        folders.iter().any(|folder| path.starts_with(folder)) || path.ends_with("src/prim/add_rows.rs")
    };
    let mut wrong = Vec::new();
    for (path, text) in code().into_iter().filter(|(path, _)| path.starts_with("src") && !allowed(path)) {
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let mut words = code.flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_'));
        if words.any(|word| word == "unsafe") {
            wrong.push(format!("{} has `unsafe` code", path.display()));
        }
    }
    none_of(&wrong);
}

#[test]
fn macros_are_few_and_in_tests() {
    let word = ["macro", "rules!"].join("_");
    let with =
        |folder: &str| code().iter().filter(|(path, text)| path.starts_with(folder) && text.contains(&word)).count();
    assert_eq!(with("src"), 0, "tables and functions say it too");
    assert!(with("tests") <= 2);
}

#[test]
fn nothing_is_left_to_do() {
    let marks =
        [["to", "do!("].concat(), ["un", "implemented!("].concat(), ["TO", "DO"].concat(), ["FIX", "ME"].concat()];
    let mut wrong = Vec::new();
    for (path, text) in code() {
        if let Some(mark) = marks.iter().find(|mark| text.contains(mark.as_str())) {
            wrong.push(format!("{} holds `{mark}`", path.display()));
        }
    }
    none_of(&wrong);
}

/// A snapshot is named after the test that reads it, or after the file that it shows.
#[test]
fn every_snapshot_has_a_test() {
    let specs: Vec<String> = crate::specs::shipped().into_iter().map(|(name, _)| name).collect();
    let mut wrong = Vec::new();
    for path in files(&["src", "tests"], "snap") {
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        let known = if path.parent().is_some_and(|folder| folder.ends_with("snapshots/specs")) {
            let stages = ["resolved", "model", "training", "prediction", "request", "passes", "plan"];
            stem.rsplit_once('.')
                .is_some_and(|(spec, stage)| specs.iter().any(|known| known == spec) && stages.contains(&stage))
        } else if let Some(shown) = stem.strip_prefix("it__errors__") {
            Path::new("tests/errors").join(format!("{shown}.yaml")).exists()
        } else {
            let text = std::fs::read_to_string(&path).unwrap();
            let source = text.lines().find_map(|line| line.strip_prefix("source: ")).unwrap_or_default();
            let name = stem.rsplit("__").next().unwrap_or_default();
            std::fs::read_to_string(source).is_ok_and(|test| test.contains(name))
        };
        if !known {
            wrong.push(format!("{} is read by no test", path.display()));
        }
    }
    none_of(&wrong);
}
