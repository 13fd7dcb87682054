//! A value of another run as an input: computed by that run's own data section, frozen, kept in the run directory.

use std::path::Path;

use super::train::{ok, specrec, write_data};

const READER: &str = "
specrec: 1
name: reader
sources:
  log: {path: log.csv}
samples:
  from: log
  time: {column: time, unit: s}
  labels:
    liked: like == 1
  outcomes: [like]
  split: {by: time, parts: [0.7, 0.15, 0.15]}
features:
  item: {type: id, side: item, dim: 4}
runs:
  theirs: {run: other, value: logit}
  interest: {run: other, value: interest}
model:
  logit: linear(concat(item, theirs, interest), 1)
losses:
  click: bce(logit, liked)
outputs:
  ctr: sigmoid(logit)
  same: sigmoid(theirs)
metrics:
  auc: auc(ctr, liked)
  theirs: auc(theirs, liked)
train: {batch: 100, epochs: 3, optimizer: {lr: 0.01}}
";

fn prepare(dir: &Path) -> String {
    write_data(dir);
    std::fs::write(dir.join("reader.yaml"), READER).unwrap();
    ok(&specrec(dir, &["train", "spec.yaml", "--run", "other", "--set", "train.epochs=6"]))
}

fn cells(table: &str, part: &str) -> Vec<String> {
    let line = table.lines().find(|line| line.starts_with(part)).unwrap_or_else(|| panic!("{table}"));
    line.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn a_value_of_another_run_is_that_of_the_run_wherever_it_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let theirs = prepare(dir.path());
    let output = specrec(dir.path(), &["train", "reader.yaml", "--run", "run"]);
    let table = ok(&output);
    // part, samples, loss, auc, theirs: the AUC of the other run's logit is the AUC that the other run was measured at.
    for part in ["valid", "test"] {
        assert_eq!(cells(&table, part)[4], cells(&theirs, part)[3], "{table}\n{theirs}");
    }
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("warning[W0602]") && said.contains("560 of the 560 rows in train"), "{said}");

    assert!(!said.contains("rows in test"), "{said}");

    // In prediction too, from the directory alone.
    let rows = std::fs::read_to_string(dir.path().join("log.csv")).unwrap();
    let predict = |run: &str, at: &Path| {
        std::fs::write(at.join("rows.csv"), &rows).unwrap();
        ok(&specrec(at, &["predict", run, "--input", "rows.csv", "--output", "scores.csv"]));
        std::fs::read_to_string(at.join("scores.csv")).unwrap()
    };
    let own = predict("other", dir.path());
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::rename(dir.path().join("run"), elsewhere.path().join("run")).unwrap();
    drop(dir);
    let read = predict("run", elsewhere.path());
    assert_eq!(read.lines().next(), Some("ctr,same"));
    let same: Vec<&str> = read.lines().skip(1).map(|line| line.split_once(',').unwrap().1).collect();
    assert_eq!(same, own.lines().skip(1).collect::<Vec<_>>());
    let again = ok(&specrec(elsewhere.path(), &["eval", "run"]));
    assert_eq!(cells(&again, "test"), cells(&table, "test"));
}

#[test]
fn rows_that_are_measured_and_that_the_other_run_knows_are_a_warning() {
    let dir = tempfile::tempdir().unwrap();
    prepare(dir.path());
    let earlier = ["train", "reader.yaml", "--run", "run", "--set", "samples.split.parts=[0.5, 0.25, 0.25]"];
    let output = specrec(dir.path(), &earlier);
    ok(&output);
    let said = String::from_utf8_lossy(&output.stderr);
    // Their train part is the first 560 rows of 800; these are the first 400, the next 200 and the last 200.
    assert!(said.contains("400 of the 400 rows in train") && said.contains("160 of the 200 rows in valid"), "{said}");
    assert!(said.contains("knows their labels") && !said.contains("rows in test"), "{said}");
}

#[test]
fn rows_that_the_other_run_was_not_trained_on_are_no_warning() {
    let dir = tempfile::tempdir().unwrap();
    prepare(dir.path());
    let log = std::fs::read_to_string(dir.path().join("log.csv")).unwrap();
    std::fs::write(dir.path().join("log.csv"), format!("{log}0,1,1,99999\n")).unwrap();
    let output = specrec(dir.path(), &["train", "reader.yaml", "--run", "run"]);
    ok(&output);
    assert!(!String::from_utf8_lossy(&output.stderr).contains("W0602"));
}

#[test]
fn another_run_that_cannot_be_computed_says_why() {
    let dir = tempfile::tempdir().unwrap();
    prepare(dir.path());
    let failed = |code: &str, why: &str| {
        let output = specrec(dir.path(), &["train", "reader.yaml", "--run", "run", "--force"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(&format!("error[{code}]")) && said.contains(why), "{said}");
        // At its entry in `runs:`.
        assert!(said.contains("reader.yaml:"), "{said}");
    };
    // Rows without a column that the other run reads.
    let log = std::fs::read_to_string(dir.path().join("log.csv")).unwrap();
    std::fs::write(dir.path().join("log.csv"), log.replacen("user,", "person,", 1)).unwrap();
    failed("E0624", "`user`");
    std::fs::write(dir.path().join("log.csv"), log).unwrap();
    std::fs::remove_file(dir.path().join("other/data.bin")).unwrap();
    failed("E0624", "data.bin");
    std::fs::write(dir.path().join("other/best.safetensors"), "no").unwrap();
    failed("E0624", "E0611");
    std::fs::remove_file(dir.path().join("other/spec.yaml")).unwrap();
    failed("E0206", "no run directory");
}

const RERANKER: &str = "
specrec: 1
name: reranker
sources:
  log: {path: lists.csv}
samples:
  from: log
  labels:
    liked: like == 1
  outcomes: [like]
  split: {train: request < 100, test: request >= 100}
features:
  item: {type: id, side: item, dim: 4}
axes:
  slate: {list: request, order: rank, max: 8}
runs:
  theirs: {run: other, value: logit, along: slate}
model:
  logit: linear(concat(slate.item, theirs), 1)
losses:
  click: softmax_cross_entropy(logit, slate.liked, over=slate)
outputs:
  score: logit
  same: sigmoid(theirs)
metrics:
  ndcg: ndcg(logit, slate.liked, k=3)
train: {batch: 16, epochs: 30, optimizer: {lr: 0.05}}
";

#[test]
fn along_a_list_it_is_computed_for_every_element() {
    let dir = tempfile::tempdir().unwrap();
    prepare(dir.path());
    // Row i is of request 7 i mod 137, so that rows of a list are far apart, and those of a later place come first.
    let log = std::fs::read_to_string(dir.path().join("log.csv")).unwrap();
    let rows = log.lines().skip(1).enumerate().map(|(at, row)| format!("{row},{},{}\n", at * 7 % 137, 1000 - at));
    let lists = format!("user,item,like,time,request,rank\n{}", rows.collect::<String>());
    std::fs::write(dir.path().join("lists.csv"), lists).unwrap();
    std::fs::write(dir.path().join("reranker.yaml"), RERANKER).unwrap();
    let output = specrec(dir.path(), &["train", "reranker.yaml", "--run", "run"]);
    let table = ok(&output);
    assert!(!String::from_utf8_lossy(&output.stderr).contains("W0602"), "the rows stand in another file");
    assert!(cells(&table, "test")[3].parse::<f64>().unwrap() > 0.6, "{table}");
    let predict = |run: &str| {
        ok(&specrec(dir.path(), &["predict", run, "--input", "lists.csv", "--output", "scores.csv"]));
        std::fs::read_to_string(dir.path().join("scores.csv")).unwrap()
    };
    let (own, read) = (predict("other"), predict("run"));
    let same: Vec<&str> = read.lines().skip(1).map(|line| line.split_once(',').unwrap().1).collect();
    assert_eq!(same.len(), 800);
    assert_eq!(same, own.lines().skip(1).collect::<Vec<_>>());
    std::fs::remove_file(dir.path().join("lists.csv")).unwrap();
    let again = ok(&specrec(dir.path(), &["eval", "run"]));
    assert_eq!(cells(&again, "test"), cells(&table, "test"));
}
