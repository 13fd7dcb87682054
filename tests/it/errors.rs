//! Broken specs: each file under tests/errors names its errors on the lines that have them, and its rendering is a snapshot.

use specrec::diag::render::{line_and_column, render_all};
use specrec::diag::{Diags, Sources, codes};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Codes that no broken spec can show, and where they are tested instead.
const TESTED_ELSEWHERE: &[(&str, &str)] = &[
    ("E0311", "src/ir"),
    ("E0330", "src/ir/read"),
    ("E0331", "src/ir/read"),
    ("E0332", "src/ir/read"),
    ("E0333", "src/ir/read"),
    ("E0340", "tests/graphs/errors"),
    ("E0399", "a fault of the program"),
    ("E0501", "tests/it/data"),
    ("E0502", "tests/it/data"),
    ("E0503", "tests/it/data"),
    ("E0504", "tests/it/data"),
    ("E0505", "tests/it/data"),
    ("E0506", "tests/it/data"),
    ("E0507", "tests/it/data"),
    ("E0508", "tests/it/data"),
    ("E0509", "tests/it/data"),
    ("E0510", "tests/it/data"),
    ("E0511", "tests/it/data"),
    ("E0512", "a file that another program changes while it is read"),
    ("E0513", "tests/it/data"),
    ("E0514", "tests/it/data"),
    ("E0516", "tests/it/data"),
    ("E0515", "tests/it/data"),
    ("W0501", "tests/it/data"),
    ("W0502", "tests/it/data"),
    ("W0503", "tests/it/data"),
    ("W0504", "tests/it/data"),
    ("E0610", "src/train/checkpoint.rs"),
    ("E0611", "src/train/checkpoint.rs"),
    ("E0612", "tests/it/run.rs"),
    ("E0613", "src/train/run_dir.rs"),
    ("E0614", "src/train/run_dir.rs"),
    ("E0615", "tests/it/run.rs"),
    ("E0616", "tests/it/run.rs"),
    ("E0617", "tests/it/run.rs"),
    ("E0618", "tests/it/run.rs"),
    ("E0620", "a fault of the program"),
    ("E0621", "a fault of the program"),
    ("E0622", "tests/it/run.rs"),
    ("E0623", "src/data/outside.rs"),
    ("E0624", "tests/it/runs.rs"),
    ("E0699", "a fault of the program"),
    ("W0601", "tests/it/run.rs"),
    ("W0602", "tests/it/runs.rs"),
];

/// Everything that is found in a spec without its data.
fn findings(path: &Path, sets: &[String]) -> (Sources, Diags) {
    let (mut sources, mut diags) = (Sources::default(), Diags::default());
    // Specs with an error of syntax are pieces, which lack what a whole spec has.
    let is_whole = !stem(path).starts_with("E01") || matches!(&*stem(path), "E0119_axis" | "E0119_namespace");
    if is_whole {
        let _compiled = specrec::compile(path, sets, &mut sources, &mut diags);
    } else {
        let _spec = specrec::syntax::load(path, sets, &mut sources, &mut diags);
    }
    (sources, diags)
}

fn broken_specs() -> Vec<PathBuf> {
    let entries = std::fs::read_dir("tests/errors").unwrap();
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

/// The codes that stand behind a mark such as `# error:` on a line.
fn marked(line: &str, mark: &str) -> Vec<String> {
    let codes = line.split_once(mark).map_or("", |(_, codes)| codes);
    codes.split(',').map(|code| code.trim().to_owned()).filter(|code| !code.is_empty()).collect()
}

/// Line and code of every finding that a file says it has; line 0 for those outside the file.
fn expected(text: &str) -> Vec<(usize, String)> {
    let mut expected = Vec::new();
    for (at, line) in text.lines().enumerate() {
        for mark in ["# error: ", "# warning: "] {
            expected.extend(marked(line, mark).into_iter().map(|code| (at + 1, code)));
        }
        expected.extend(marked(line, "# error in set: ").into_iter().map(|code| (0, code)));
    }
    expected.sort();
    expected
}

#[test]
fn broken_specs_have_their_errors_on_the_marked_lines() {
    let mut wrong = Vec::new();
    for path in broken_specs() {
        let text = std::fs::read_to_string(&path).unwrap();
        let sets: Vec<String> =
            text.lines().filter_map(|line| line.strip_prefix("# set: ")).map(str::to_owned).collect();
        let (sources, diags) = findings(&path, &sets);
        let mut found = Vec::new();
        for finding in diags.list() {
            let span = finding.labels.first().map(|label| label.span);
            let source =
                span.and_then(|span| sources.get(span.file)).filter(|source| source.name == path.display().to_string());
            let line =
                source.zip(span).map_or(0, |(source, span)| line_and_column(&source.text, span.start as usize).0);
            found.push((line, finding.code.to_owned()));
        }
        found.sort();
        let rendered = render_all(diags.list(), &sources, false);
        if found != expected(&text) {
            wrong.push(format!("{}\nexpected {:?}\nfound {found:?}\n{rendered}", path.display(), expected(&text)));
            continue;
        }
        insta::assert_snapshot!(stem(&path), rendered);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_code_has_a_broken_spec_or_is_tested_elsewhere() {
    let elsewhere: BTreeSet<&str> = TESTED_ELSEWHERE.iter().map(|(code, _)| *code).collect();
    let shown: BTreeSet<String> =
        broken_specs().iter().map(|path| stem(path).chars().take_while(|c| *c != '_').collect()).collect();
    for entry in codes::all() {
        let (shown, elsewhere) = (shown.contains(entry.code), elsewhere.contains(entry.code));
        assert!(shown || elsewhere, "{} has no file tests/errors/{}_*.yaml", entry.code, entry.code);
        assert!(!(shown && elsewhere), "{} has a file, so it need not be listed as tested elsewhere", entry.code);
    }
    let is_tested = |code: &str, place: &str| {
        let mut tested = BTreeSet::new();
        tested_under(Path::new(place), &mut tested);
        tested.contains(code)
    };
    let places = TESTED_ELSEWHERE.iter().filter(|(_, place)| place.contains('/'));
    let untested: Vec<_> = places.filter(|(code, place)| !is_tested(code, place)).collect();
    assert!(untested.is_empty(), "no test in the place it names: {untested:?}");
    let known: BTreeSet<&str> = codes::all().map(|entry| entry.code).collect();
    for code in shown.iter().map(String::as_str).chain(elsewhere.iter().copied()) {
        assert!(known.contains(code), "{code} is no code");
    }
}

fn is_code(word: &str) -> bool {
    word.len() == 5 && word.starts_with(['E', 'W']) && word.chars().skip(1).all(|c| c.is_ascii_digit())
}

/// Every `"E0123"` or `"W0123"` of a text.
fn codes_in(text: &str, into: &mut BTreeSet<String>) {
    for piece in text.split('"') {
        if is_code(piece) {
            into.insert(piece.to_owned());
        }
    }
}

/// Codes that the tests of a file or folder name.
fn tested_under(path: &Path, into: &mut BTreeSet<String>) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            tested_under(&entry.unwrap().path(), into);
        }
        return;
    }
    let text = std::fs::read_to_string(path).unwrap();
    let is_all_tests = path.starts_with("tests") || path.ends_with("tests.rs");
    // The name of a broken graph or spec begins with its code.
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    into.extend(stem.split('_').next().filter(|word| is_code(word)).map(str::to_owned));
    let tests = if is_all_tests { text.as_str() } else { text.split("#[cfg(test)]").nth(1).unwrap_or("") };
    into.extend(tests.split(|c: char| !c.is_alphanumeric()).filter(|word| is_code(word)).map(str::to_owned));
}

fn codes_under(dir: &Path, into: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("diag/codes") {
            codes_under(&path, into);
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            codes_in(text.split("#[cfg(test)]\nmod tests").next().unwrap_or(""), into);
        }
    }
}

#[test]
fn every_code_in_the_source_is_explained_and_the_other_way_round() {
    let mut used = BTreeSet::new();
    codes_under(Path::new("src"), &mut used);
    let explained: BTreeSet<String> = codes::all().map(|entry| entry.code.to_owned()).collect();
    let unexplained: Vec<_> = used.difference(&explained).collect();
    let unused: Vec<_> = explained.difference(&used).collect();
    assert!(unexplained.is_empty(), "add these to src/diag/codes: {unexplained:?}");
    assert!(unused.is_empty(), "nothing gives these codes: {unused:?}");
}
