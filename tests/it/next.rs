//! From a file of events to the ids that come next: a model that learns a circle of items names the next one of it.

use std::fmt::Write;
use std::path::Path;

use crate::train::{ok, specrec};

const ITEMS: usize = 20;
const EVENTS: usize = 8;

const SPEC: &str = "
specrec: 1
name: next
sources: {log: {path: log.csv}}
samples:
  from: log
  per: user
  split: {by: leave_one_out, of: user}
features:
  item: {type: id, dim: 16, min_count: 1, init: normal(0.1)}
axes:
  history: {from: log, by: user, last: 8}
  unseen: {draw: item, n: 5, by: uniform, not_in: [history]}
model:
  steps: history.item + positions(history)
  encoded: transformer(steps, over=history, heads=2, causal=true)
losses:
  next: cross_entropy(scores(encoded, item), following(history.item, over=history, then=item))
outputs:
  next: top(scores(last(encoded, over=history), item), k=3, exclude=history.item)
metrics:
  hr: hr(scores(last(encoded, over=history), item), item, k=1)
  hr_drawn: hr(scores(last(encoded, over=history), item), item, k=1, among=unseen.item)
train: {batch: 20, epochs: 30, patience: 30, monitor: hr, optimizer: {dense: adam, tables: adam, lr: 0.01}}
";

/// Each user takes eight items of the circle in order, from a place of its own.
fn write_data(dir: &Path) {
    let mut log = "user,item\n".to_owned();
    for user in 0..ITEMS {
        for event in 0..EVENTS {
            writeln!(log, "u{user},i{}", (user + event) % ITEMS).unwrap();
        }
    }
    std::fs::write(dir.join("log.csv"), log).unwrap();
    std::fs::write(dir.join("spec.yaml"), SPEC).unwrap();
}

#[test]
fn a_circle_of_items_is_learned_and_its_next_item_is_named() {
    let dir = tempfile::tempdir().unwrap();
    write_data(dir.path());
    let table = ok(&specrec(dir.path(), &["train", "spec.yaml", "--run", "run"]));
    let test: Vec<&str> = table.lines().find(|line| line.starts_with("test")).unwrap().split_whitespace().collect();
    assert_eq!(test[1], "20", "{table}");
    assert!(test[3].parse::<f64>().unwrap() > 0.9 && test[4].parse::<f64>().unwrap() > 0.9, "{table}");
    // Each item is as popular as any other. Of the items that were not had, the next one was had most often by those who had
    // the last three.
    for (rule, hr) in [("popularity", "0.0000"), ("item-kNN", "1.0000")] {
        assert!(table.contains(&format!("test by {rule}")), "{table}");
        let line = table.lines().find(|line| line.starts_with(&format!("test by {rule}"))).unwrap();
        assert_eq!(line.split_whitespace().skip(3).collect::<Vec<_>>(), ["20", "-", hr, "-"], "{table}");
    }
    assert!(table.contains("hr: among all 20 ids of `item` but what the user had before; ties"), "{table}");
    assert!(table.contains("hr_drawn: among 5 drawn uniformly (seed 1) and the target, no full ranking"), "{table}");
    let rows = "user,item\nnew,i4\nnew,i5\nother,i17\nnew,i6\nother,i18\n";
    std::fs::write(dir.path().join("rows.csv"), rows).unwrap();
    ok(&specrec(dir.path(), &["predict", "run", "--input", "rows.csv", "--output", "out.csv", "--keep", "user"]));
    let out = std::fs::read_to_string(dir.path().join("out.csv")).unwrap();
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "user,next.ids.0,next.ids.1,next.ids.2,next.scores.0,next.scores.1,next.scores.2");
    assert!(lines[1].starts_with("new,i7,") && lines[2].starts_with("other,i19,"), "{out}");
    // What a user had is never named again, and the best comes first.
    assert!(lines[1].split(',').all(|cell| !["i4", "i5", "i6"].contains(&cell)), "{out}");
    for line in &lines[1..] {
        let scores: Vec<f32> = line.split(',').skip(4).map(|score| score.parse().unwrap()).collect();
        assert!(scores.len() == 3 && scores.is_sorted_by(|a, b| a >= b), "{out}");
    }
}
