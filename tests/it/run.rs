//! Run directories: complete in themselves, locked, left in good order by a signal, honest about what does not fit.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::train::{ok, specrec, write_data};

fn failed(output: &Output, code: &str) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains(&format!("error[{code}]")), "{text}");
    text
}

/// The line of a table that begins with a word.
fn line<'a>(table: &'a str, part: &str) -> &'a str {
    table.lines().find(|line| line.split_whitespace().next() == Some(part)).unwrap_or_else(|| panic!("{table}"))
}

fn measurements(run: &Path, part: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["part"] == part).collect()
}

fn start(dir: &Path, args: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_specrec"));
    command.current_dir(dir).env("SPECREC_CACHE", dir.join("cache")).args(args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn wait_for(path: &Path) {
    let begin = Instant::now();
    while !path.exists() {
        assert!(begin.elapsed() < Duration::from_secs(60), "{} does not come", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn interrupt(child: &Child) {
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
}

const LONG: [&str; 6] = ["train", "spec.yaml", "--run", "run", "--set", "train.epochs=100000"];

#[test]
fn eval_needs_the_run_directory_alone() {
    let dir = tempfile::tempdir().unwrap();
    write_data(dir.path());
    let table = ok(&specrec(dir.path(), &["train", "spec.yaml", "--run", "run"]));
    let other = tempfile::tempdir().unwrap();
    std::fs::rename(dir.path().join("run"), other.path().join("moved")).unwrap();
    let log = std::fs::read_to_string(dir.path().join("log.csv")).unwrap();
    drop(dir);
    for part in ["test", "valid"] {
        let again = ok(&specrec(other.path(), &["eval", "moved", "--part", part]));
        let cells = |table: &str| line(table, part).split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(cells(&again), cells(&table), "{again}");
        assert_eq!(line(&again, "weights:"), line(&table, "weights:"));
    }
    // The rows of the test part as new rows, in any order, give the same again.
    let mut rows: Vec<&str> = log.lines().skip(1).collect();
    rows.sort_by_key(|row| row.rsplit(',').next().unwrap().parse::<u32>().unwrap());
    rows.drain(..680);
    rows.reverse();
    std::fs::write(other.path().join("new.csv"), format!("user,item,like,time\n{}\n", rows.join("\n"))).unwrap();
    let again = ok(&specrec(other.path(), &["eval", "moved", "--input", "new.csv"]));
    let numbers =
        |table: &str, of: &str| line(table, of).split_whitespace().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(numbers(&again, "rows"), numbers(&table, "test"), "{again}\n{table}");
    assert_eq!(line(&again, "weights:"), line(&table, "weights:"));
    // Without the samples, as for one who only predicts, it is an error and not a guess.
    std::fs::remove_file(other.path().join("moved/samples.bin")).unwrap();
    failed(&specrec(other.path(), &["eval", "moved"]), "E0511");
}

#[test]
fn a_run_goes_by_the_graph_that_it_keeps() {
    let dir = tempfile::tempdir().unwrap();
    write_data(dir.path());
    let table = ok(&specrec(dir.path(), &["train", "spec.yaml", "--run", "run"]));
    // As if another version of the program had another word for something: the spec gives another text of the graph.
    let path = dir.path().join("run/spec.yaml");
    let spec = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, spec.replacen("name: ", "name: other_", 1)).unwrap();
    let again = ok(&specrec(dir.path(), &["eval", "run"]));
    let cells = |table: &str| line(table, "test").split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(cells(&again), cells(&table));
    std::fs::remove_file(dir.path().join("run/model.ir")).unwrap();
    failed(&specrec(dir.path(), &["eval", "run"]), "E0616");
}

#[test]
fn the_best_weights_are_measured_and_kept_when_patience_ends_a_run() {
    let dir = tempfile::tempdir().unwrap();
    write_data(dir.path());
    // Two of seven labels the other way round, so that there is something to overfit.
    let log = std::fs::read_to_string(dir.path().join("log.csv")).unwrap();
    let noisy = log.lines().enumerate().map(|(at, row)| match at * at % 7 {
        1 if row.contains(",1,") => format!("{}\n", row.replace(",1,", ",0,")),
        1 => format!("{}\n", row.replace(",0,", ",1,")),
        _ => format!("{row}\n"),
    });
    std::fs::write(dir.path().join("log.csv"), noisy.collect::<String>()).unwrap();
    let sets = ["--set", "train.patience=3", "--set", "train.epochs=60", "--set", "train.optimizer.lr=0.05"];
    let table = ok(&specrec(dir.path(), &[&["train", "spec.yaml", "--run", "run"][..], &sets].concat()));
    let run = dir.path().join("run");
    let auc: Vec<f64> = measurements(&run, "valid").iter().map(|l| l["metrics"]["auc"].as_f64().unwrap()).collect();
    let best = auc.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let at = auc.iter().position(|&value| value == best).unwrap();
    assert!(auc.len() < 60 && auc.len() == at + 4, "it ends 3 validations after the best: {auc:?}");
    let step = measurements(&run, "valid")[at]["step"].as_u64().unwrap();
    let steps = measurements(&run, "valid").last().unwrap()["step"].as_u64().unwrap();
    let weights = format!("weights: best auc in valid, {best:.4} after step {step} of {steps}");
    assert_eq!(line(&table, "weights:"), weights);
    assert_eq!(line(&table, "valid").split_whitespace().nth(3), Some(&*format!("{best:.4}")), "{table}");
    let test = measurements(&run, "test");
    assert_eq!(test.len(), 1, "test is read once");
    let measured = test[0]["metrics"]["auc"].as_f64().unwrap();
    assert_eq!(line(&table, "test").split_whitespace().nth(3), Some(&*format!("{measured:.4}")), "{table}");
    assert!(std::fs::read_to_string(run.join("report.md")).unwrap().contains(&weights));
    let files = std::fs::read_dir(&run).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(files.filter(|name| name.starts_with("events.out.tfevents.")).count(), 1);
    // The last weights are others, so the numbers above are not theirs.
    std::fs::copy(run.join("last.safetensors"), run.join("best.safetensors")).unwrap();
    let last = ok(&specrec(dir.path(), &["eval", "run", "--part", "valid"]));
    assert_ne!(line(&last, "valid"), line(&table, "valid"));
}

#[test]
fn an_interrupt_stops_after_the_step_and_resume_goes_on_to_the_same_bits() {
    let dir = tempfile::tempdir().unwrap();
    write_data(dir.path());
    ok(&specrec(dir.path(), &["train", "spec.yaml", "--run", "whole"]));
    let child = start(dir.path(), &["train", "spec.yaml", "--run", "run"]);
    wait_for(&dir.path().join("run/last.safetensors"));
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("stopped after step") && said.contains("`--resume`"), "{said}");
    ok(&specrec(dir.path(), &["train", "spec.yaml", "--run", "run", "--resume"]));
    for name in ["last.safetensors", "best.safetensors", "metrics.jsonl"] {
        let bytes = |run: &str| std::fs::read(dir.path().join(run).join(name)).unwrap();
        assert!(bytes("whole") == bytes("run"), "{name} differs");
    }
}

#[test]
fn a_second_interrupt_ends_the_process_within_a_step() {
    let dir = tempfile::tempdir().unwrap();
    write_data(dir.path());
    let text = std::fs::read_to_string(dir.path().join("spec.yaml")).unwrap();
    // A step of about 40 GFLOP.
    std::fs::write(dir.path().join("spec.yaml"), text.replace("mlp([16]", "mlp([3000, 3000]")).unwrap();
    let child = start(dir.path(), &[&LONG[..], &["--set", "train.batch=600", "--threads", "1"]].concat());
    wait_for(&dir.path().join("run/run.json"));
    std::thread::sleep(Duration::from_millis(300));
    interrupt(&child);
    std::thread::sleep(Duration::from_millis(20));
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(!String::from_utf8_lossy(&output.stderr).contains("stopped after step"));
}

#[test]
fn two_trainings_do_not_write_one_directory() {
    let dir = tempfile::tempdir().unwrap();
    write_data(dir.path());
    let mut child = start(dir.path(), &LONG);
    wait_for(&dir.path().join("run/last.safetensors"));
    for more in ["--resume", "--force"] {
        let said = failed(&specrec(dir.path(), &["train", "spec.yaml", "--run", "run", more]), "E0614");
        assert!(said.contains("another process trains in `run`"), "{said}");
    }
    // Killed at once, it leaves no lock behind.
    child.kill().unwrap();
    child.wait().unwrap();
    let output = specrec(dir.path(), &[&LONG[..], &["--resume", "--stop-after", "1"]].concat());
    assert_eq!(output.status.code(), Some(130));
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let dir = tempfile::tempdir().unwrap();
    write_data(dir.path());
    for place in ["log.csv", "log.csv/run"] {
        let said = failed(&specrec(dir.path(), &["train", "spec.yaml", "--run", place]), "E0612");
        assert!(said.contains(place), "{said}");
    }
    std::fs::create_dir(dir.path().join("thesis")).unwrap();
    std::fs::write(dir.path().join("thesis/chapter.tex"), "").unwrap();
    failed(&specrec(dir.path(), &["train", "spec.yaml", "--run", "thesis", "--force"]), "E0613");
}

#[test]
fn a_full_disk_is_an_error_that_costs_no_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    write_data(dir.path());
    let part = [&LONG[..], &["--checkpoint-every", "1"]].concat();
    assert_eq!(specrec(dir.path(), &[&part[..], &["--stop-after", "5"]].concat()).status.code(), Some(130));
    let last = dir.path().join("run/last.safetensors");
    let before = std::fs::read(&last).unwrap();
    // What takes no byte is the place where the next checkpoint is written.
    std::os::unix::fs::symlink("/dev/full", dir.path().join("run/last.safetensors.partial")).unwrap();
    let said = failed(&specrec(dir.path(), &[&part[..], &["--resume"]].concat()), "E0610");
    assert!(said.contains("No space left"), "{said}");
    assert!(before == std::fs::read(&last).unwrap());
    let output = specrec(dir.path(), &[&part[..], &["--resume", "--stop-after", "7"]].concat());
    assert_eq!(output.status.code(), Some(130));
    std::fs::copy(&last, dir.path().join("run/best.safetensors")).unwrap();
    let said =
        failed(&specrec(dir.path(), &["predict", "run", "--input", "log.csv", "--output", "/dev/full"]), "E0618");
    assert!(said.contains("No space left"), "{said}");
}

#[test]
fn a_run_goes_on_with_what_it_began_with() {
    let dir = tempfile::tempdir().unwrap();
    write_data(dir.path());
    let begin = ["train", "spec.yaml", "--run", "run", "--stop-after", "3"];
    assert_eq!(specrec(dir.path(), &begin).status.code(), Some(130));
    // Another model.
    let wide = ["train", "spec.yaml", "--run", "run", "--resume", "--set", "features.item.dim=4"];
    let said = failed(&specrec(dir.path(), &wide), "E0616");
    assert!(said.contains("spec: "), "{said}");
    // Another machine and another seed: a warning that names them, and the run goes on.
    let path = dir.path().join("run/run.json");
    let mut about: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    for field in ["program", "spec", "data", "seed", "device", "cpu", "instructions"] {
        assert!(!about["fingerprint"][field].is_null(), "{about}");
    }
    about["fingerprint"]["cpu"] = "Difference Engine".into();
    std::fs::write(&path, about.to_string()).unwrap();
    let same = ["train", "spec.yaml", "--run", "run", "--resume", "--seed", "9", "--stop-after", "4"];
    let said = String::from_utf8_lossy(&specrec(dir.path(), &same).stderr).into_owned();
    assert!(said.contains("warning[W0601]") && said.contains("cpu: \"Difference Engine\" is now"), "{said}");
    assert!(said.contains("seed: 1 is now 9"), "{said}");
    // Weights of another run.
    std::fs::copy(dir.path().join("run/last.safetensors"), dir.path().join("last")).unwrap();
    ok(&specrec(dir.path(), &[&wide[..3], &["small", "--set", "features.item.dim=4"]].concat()));
    std::fs::copy(dir.path().join("last"), dir.path().join("small/best.safetensors")).unwrap();
    failed(&specrec(dir.path(), &["eval", "small"]), "E0616");
}

#[test]
fn a_finished_run_goes_on_for_more_epochs_to_the_bits_of_a_longer_one() {
    let dir = tempfile::tempdir().unwrap();
    write_data(dir.path());
    let train = |run: &str, epochs: &str, more: &[&str]| {
        let epochs = format!("train.epochs={epochs}");
        ok(&specrec(dir.path(), &[&["train", "spec.yaml", "--run", run, "--set", &epochs][..], more].concat()))
    };
    train("short", "2", &[]);
    assert_eq!(train("short", "5", &["--resume"]), train("long", "5", &[]));
    for name in ["last.safetensors", "best.safetensors", "metrics.jsonl"] {
        let bytes = |run: &str| std::fs::read(dir.path().join(run).join(name)).unwrap();
        assert!(bytes("short") == bytes("long"), "{name} differs");
    }
}

#[test]
fn a_loss_that_is_not_finite_ends_training_and_names_a_value() {
    let dir = tempfile::tempdir().unwrap();
    write_data(dir.path());
    let said = failed(
        &specrec(dir.path(), &["train", "spec.yaml", "--run", "run", "--set", "train.optimizer.lr=1e30"]),
        "E0622",
    );
    assert!(said.contains("not finite"), "{said}");
}

#[test]
fn a_part_without_samples_is_not_measured() {
    let dir = tempfile::tempdir().unwrap();
    write_data(dir.path());
    let train = ["train", "spec.yaml", "--run", "run", "--set", "samples.split.parts=[0.7, 0, 0.3]"];
    ok(&specrec(dir.path(), &[&train[..], &["--set", "train.epochs=1", "--set", "train.monitor=loss"]].concat()));
    failed(&specrec(dir.path(), &["eval", "run", "--part", "valid"]), "E0615");
}

#[test]
fn a_device_that_is_not_there_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    write_data(dir.path());
    if cfg!(not(feature = "cuda")) {
        let said = failed(&specrec(dir.path(), &["train", "spec.yaml", "--device", "cuda"]), "E0617");
        assert!(said.contains("--features cuda") && said.contains("--device cpu"), "{said}");
    }
}
