//! Training by the command line on small made-up data: it learns, and a run that was interrupted gives the bits of one
//! that was not.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};

/// 40 users like either even or odd items, and rate 20 items each in random order.
pub(crate) fn write_data(dir: &Path) {
    let mut text = "user,item,like,time\n".to_owned();
    let mut state = 7u32;
    for time in 0..20 {
        for user in 0..40 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let item = (state >> 16) % 30;
            writeln!(text, "{user},{item},{},{}", u32::from(item % 2 == user % 2), time * 100 + user).unwrap();
        }
    }
    std::fs::write(dir.join("log.csv"), text).unwrap();
    std::fs::write(dir.join("spec.yaml"), SPEC).unwrap();
}

const SPEC: &str = "
specrec: 1
name: small
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
  item: {type: id, side: item, dim: 8}
axes:
  history: {from: log, by: user, where: liked, last: 10}
model:
  interest: din(item, history.item, over=history, hidden=[8], activation=dice)
  logit: concat(item, interest, item * interest) |> mlp([16], activation=relu, dropout=0.1) |> linear(1)
losses:
  click: bce(logit, liked)
outputs:
  ctr: sigmoid(logit)
metrics:
  auc: auc(ctr, liked)
  gauc: gauc(ctr, liked, by=user)
train:
  batch: 32
  epochs: 12
  optimizer: {dense: adam, tables: lazy_adam, lr: 0.02}
  monitor: auc
";

pub(crate) fn specrec(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_specrec"));
    command.current_dir(dir).env("SPECREC_CACHE", dir.join("cache")).args(args).output().unwrap()
}

pub(crate) fn ok(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn din_learns_what_users_like_and_predict_scores_as_eval_does() {
    let dir = tempfile::tempdir().unwrap();
    write_data(dir.path());
    let table = ok(&specrec(dir.path(), &["train", "spec.yaml", "--run", "run"]));
    let test: Vec<&str> = table.lines().find(|line| line.starts_with("test")).unwrap().split_whitespace().collect();
    assert!(test[3].parse::<f64>().unwrap() > 0.8, "{table}");
    let again = ok(&specrec(dir.path(), &["eval", "run"]));
    assert!(again.contains(test[3]), "{again}");
    // A finished run is not replaced silently.
    let second = specrec(dir.path(), &["train", "spec.yaml", "--run", "run"]);
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&second.stderr).contains("E0614"));
    // The reference backend gives the same scores, to rounding, and the data need not be there.
    std::fs::copy(dir.path().join("log.csv"), dir.path().join("rows.csv")).unwrap();
    std::fs::remove_file(dir.path().join("log.csv")).unwrap();
    for (extra, out) in [("--threads=2", "a.csv"), ("--no-fuse", "b.csv")] {
        ok(&specrec(dir.path(), &["predict", "run", "--input", "rows.csv", "--output", out, "--keep", "user", extra]));
    }
    let read = |name: &str| {
        let text = std::fs::read_to_string(dir.path().join(name)).unwrap();
        text.lines().skip(1).map(|line| line.split(',').nth(1).unwrap().parse::<f64>().unwrap()).collect::<Vec<_>>()
    };
    let (host, reference) = (read("a.csv"), read("b.csv"));
    assert_eq!(host.len(), 800);
    assert!(host.iter().zip(&reference).all(|(a, b)| (a - b).abs() < 1e-5));
}

#[test]
fn an_interrupted_run_gives_the_bits_of_an_uninterrupted_one_at_any_number_of_threads() {
    let dir = tempfile::tempdir().unwrap();
    write_data(dir.path());
    ok(&specrec(dir.path(), &["train", "spec.yaml", "--run", "whole", "--threads", "1"]));
    let stopped = ["train", "spec.yaml", "--run", "parts", "--threads", "2", "--checkpoint-every", "1", "--stop-after"];
    for more in [&["25"][..], &["61", "--resume"], &["153", "--resume"]] {
        let output = specrec(dir.path(), &[&stopped[..], more].concat());
        assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    }
    ok(&specrec(dir.path(), &["train", "spec.yaml", "--run", "parts", "--threads", "2", "--resume"]));
    for name in ["last.safetensors", "best.safetensors"] {
        let bytes = |run: &str| std::fs::read(dir.path().join(run).join(name)).unwrap();
        assert!(bytes("whole") == bytes("parts"), "{name} differs");
    }
}

#[test]
fn a_killed_run_goes_on_to_the_bits_of_an_unkilled_one() {
    let dir = tempfile::tempdir().unwrap();
    write_data(dir.path());
    ok(&specrec(dir.path(), &["train", "spec.yaml", "--run", "whole"]));
    // Killed at whatever step it has come to, three times; each goes on from the last checkpoint.
    for wait in [150, 80, 120] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_specrec"));
        command.current_dir(dir.path()).env("SPECREC_CACHE", dir.path().join("cache"));
        command.args(["train", "spec.yaml", "--run", "parts", "--checkpoint-every", "1"]);
        if dir.path().join("parts").exists() {
            command.arg("--resume");
        }
        let mut child =
            command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(wait));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    ok(&specrec(dir.path(), &["train", "spec.yaml", "--run", "parts", "--resume"]));
    let read = |run: &str, name: &str| std::fs::read(dir.path().join(run).join(name)).unwrap();
    for name in ["last.safetensors", "best.safetensors", "metrics.jsonl"] {
        assert!(read("whole", name) == read("parts", name), "{name} differs");
    }
}

#[test]
fn build_needs_no_data() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("spec.yaml"), SPEC).unwrap();
    let table = ok(&specrec(dir.path(), &["build", "spec.yaml", "-o", "out"]));
    assert!(table.contains("@interest.hidden.0.w"), "{table}");
    for file in ["model.ir", "train.ir", "predict.ir", "plan.json", "graph.dot", "graph.svg", "weights.safetensors"] {
        assert!(dir.path().join("out").join(file).exists(), "{file}");
    }
    assert!(ok(&specrec(dir.path(), &["build", "spec.yaml", "--emit", "ir"])).contains("f32[B, history, 8]"));
    assert!(ok(&specrec(dir.path(), &["build", "spec.yaml", "--trace-passes"])).contains("differentiate:"));
}
