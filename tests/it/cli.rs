//! The binary: exit codes and outputs of every verb.

use std::process::{Command, Output};

fn specrec(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_specrec")).args(arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn check_of_a_good_spec_ends_with_0() {
    let output = specrec(&["check", "specs/din.yaml", "specs/base.yaml", "specs/deepfm.yaml"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stdout(&output), "specs/din.yaml: ok\nspecs/base.yaml: ok\nspecs/deepfm.yaml: ok\n");
}

#[test]
fn check_finds_the_errors_of_every_file_and_ends_with_1() {
    let output = specrec(&["check", "tests/errors/E0102_unknown_key.yaml", "specs/absent.yaml", "specs/din.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    let (out, err) = (stdout(&output), stderr(&output));
    assert!(err.contains("error[E0102]") && err.contains("error[E0107]"), "{err}");
    assert!(err.contains("`specrec explain E0102` says more"), "{err}");
    assert_eq!(out, "specs/din.yaml: ok\n");
}

#[test]
fn check_prints_one_object_a_line_for_programs() {
    let output = specrec(&["check", "--format", "json", "tests/errors/E0102_unknown_key.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    let out = stdout(&output);
    assert!(out.lines().count() >= 1 && stderr(&output).is_empty());
    for line in out.lines() {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(object["file"], "tests/errors/E0102_unknown_key.yaml");
        assert!(object["line"].as_u64().unwrap() > 0);
    }
}

#[test]
fn set_reaches_the_spec() {
    let output = specrec(&["check", "specs/din.yaml", "--set", "train.batch=many"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("train.batch=many"), "{}", stderr(&output));
}

#[test]
fn wrong_usage_ends_with_2() {
    for arguments in
        [&["check"][..], &["chek", "specs/din.yaml"], &["explain", "E9999"], &["check", "--format", "xml", "a"]]
    {
        assert_eq!(specrec(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn explain_shows_an_example_and_the_way_out() {
    let output = specrec(&["explain", "e0103"]);
    assert_eq!(output.status.code(), Some(0));
    let out = stdout(&output);
    assert!(out.starts_with("E0103: ") && out.contains("Wrong:") && out.contains("Right:"), "{out}");
    assert!(stdout(&specrec(&["explain"])).lines().count() > 20);
}
