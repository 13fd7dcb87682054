//! What is wrong with data or a data section is said with its place, all of it in one run.

use super::World;

const SAMPLES: &str = "
samples: {from: logs, labels: {y: y == 1}}
features: {item: {type: id, min_count: 1}, price: {type: number}}
";
const WANTS: [&str; 3] = ["item", "price", "label y"];

/// Findings over one file `logs.csv`.
fn found(logs: &str, rest: &str) -> Vec<String> {
    World::new(&[("logs.csv", logs)], &format!("sources: {{logs: {{path: logs.csv}}}}\n{rest}")).findings(&WANTS)
}

#[track_caller]
fn assert_found(findings: &[String], expected: &[&str]) {
    let matches = findings.len() == expected.len() && findings.iter().zip(expected).all(|(a, b)| a.starts_with(b));
    assert!(matches, "expected {expected:#?}, found {findings:#?}");
}

#[test]
fn every_broken_row_has_its_line_and_what_was_expected() {
    let logs = "item,price,y\na,1,1\nb,cheap,0\nc,2\nd,3,0\n\"e,4,1\n";
    let mut findings = found(logs, SAMPLES);
    findings.sort();
    assert_found(
        &findings,
        &[
            "E0505: broken row at `logs.csv:3`: expected a number in column `price`, found `cheap`",
            "E0505: broken row at `logs.csv:4`: expected 3 fields, found 2",
            "E0505: broken row at `logs.csv:6`: a quote opens that nothing closes",
        ],
    );
}

#[test]
fn many_broken_rows_are_counted() {
    let rows: String = (0..20).map(|row| format!("a,x,{}\n", row % 2)).collect();
    let findings = found(&format!("item,price,y\n{rows}"), SAMPLES);
    assert_eq!(findings.len(), 5);
    assert!(findings[4].contains("and 15 more rows like these"), "{findings:#?}");
}

#[test]
fn broken_rows_are_left_out_and_counted_where_the_spec_says_so() {
    let logs = "item,price,y\na,1,1\nb,cheap,0\nc,2\nd,3,0\n";
    let spec = format!("sources: {{logs: {{path: logs.csv, on_error: skip}}}}{SAMPLES}");
    let world = World::new(&[("logs.csv", logs)], &spec);
    let dataset = world.open(&WANTS);
    let source = &dataset.report().sources[0];
    assert_eq!((source.rows, source.broken), (4, 2));
    assert_eq!(dataset.first(specrec::syntax::spec::Part::Train, 9).unwrap().feed.ids, [0, 3]);
}

#[test]
fn missing_files_and_columns_are_all_named() {
    let spec = "
sources: {logs: {path: [log.csv, logs.csv]}, ads: {path: 'ads/*.csv', key: id}}
samples: {from: logs, join: {ads: ad}, labels: {y: y == 1}}
features: {item: {type: id}, price: {type: number}}
";
    let world = World::new(&[("logs.csv", "item,y\n")], spec);
    assert_found(
        &world.findings(&WANTS),
        &["E0501: there is no file `log.csv`", "E0501: there is no file `ads/*.csv`"],
    );
    let findings = found("itm,Price,z\n", SAMPLES);
    assert_found(
        &findings,
        &[
            "E0504: there is no column `item` in `logs.csv`; `itm` is one",
            "E0504: there is no column `price` in `logs.csv`; `Price` is one",
            "E0504: there is no column `y` in `logs.csv`; the columns are `itm`, `Price` and `z`",
        ],
    );
}

#[test]
fn later_files_must_have_the_columns_too() {
    let spec = format!("sources: {{logs: {{path: logs}}}}{SAMPLES}");
    let world = World::new(&[("logs/a.csv", "item,price,y\na,1,1\n"), ("logs/b.csv", "item,y\na,1\n")], &spec);
    assert_found(
        &world.findings(&WANTS),
        &["E0503: `logs/b.csv` cannot be read: it has no column `price`; it has `item`, `y`"],
    );
}

#[test]
fn files_that_are_cut_or_not_read_yet_are_refused() {
    let spec = |name: &str| format!("sources: {{logs: {{path: {name}}}}}{SAMPLES}");
    let world = World::new(&[("logs.csv.gz", "")], &spec("logs.csv.gz"));
    let packed = {
        use std::io::Write;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        let rows: String = (0..5000).map(|row| format!("{row},{},{}\n", row * 7919 % 1000, row % 2)).collect();
        encoder.write_all(format!("item,price,y\n{rows}").as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    for at in (10..packed.len()).step_by(1501) {
        std::fs::write(world.path("logs.csv.gz"), &packed[..at]).unwrap();
        let findings = world.findings(&WANTS);
        assert!(findings.len() == 1 && findings[0].starts_with("E0503: `logs.csv.gz"), "{findings:?}");
    }
    std::fs::write(world.path("logs.csv.gz"), &packed).unwrap();
    assert_eq!(world.open(&WANTS).report().sources[0].rows, 5000);
    let parquet = World::new(&[("logs.parquet", "PAR1")], &spec("logs.parquet"));
    assert_found(
        &parquet.findings(&WANTS),
        &["E0502: `logs.parquet` cannot be read: Parquet is not read yet: expected CSV"],
    );
}

#[test]
fn keys_and_joins_are_held_to_what_they_say() {
    let spec = |missing: &str| {
        format!(
            "
sources: {{logs: {{path: logs.csv}}, ads: {{path: ads.csv, key: ad}}}}
samples: {{from: logs, join: {{ads: {{column: ad, missing: {missing}}}}}, labels: {{y: y == 1}}}}
features: {{item: {{type: id, column: ad, min_count: 1}}, price: {{type: number, missing: {{flag: true}}}}}}
"
        )
    };
    let logs = "ad,y\n1,1\n2,0\n,1\n";
    let double = World::new(&[("logs.csv", logs), ("ads.csv", "ad,price\n1,5\n2,6\n1,7\n")], &spec("null"));
    assert_found(
        &double.findings(&WANTS),
        &["E0506: `1` stands in two rows of `ads`, whose `key` is `ad`; the second is at `ads.csv:4`"],
    );

    let files = [("logs.csv", logs), ("ads.csv", "ad,price\n1,5\n3,6\n")];
    let miss = World::new(&files, &spec("error")).findings(&WANTS);
    assert_found(
        &miss,
        &["E0507: the row at `logs.csv:3` has no match in `ads`", "E0507: the row at `logs.csv:4` has no match"],
    );
    let null = World::new(&files, &spec("null"));
    assert_eq!(
        super::numbers(&null.batch(&WANTS, specrec::syntax::spec::Part::Train), "price"),
        [5.0, 0.0, 0.0, 1.0, 0.0, 1.0]
    );
    assert_eq!(null.open(&WANTS).report().joins[0].misses, 2);
    let drop = World::new(&[("logs.csv", "ad,y\n1,1\n2,0\n3,0\n,1\n"), files[1]], &spec("drop")).open(&WANTS);
    assert_eq!((drop.len(specrec::syntax::spec::Part::Train), drop.report().sources[0].dropped), (2, 2));
    let none = spec("null").replace(", key: ad", "");
    assert_found(&World::new(&files, &none).findings(&WANTS), &["E0454: `ads` is joined but has no `key`"]);
}

#[test]
fn labels_of_one_class_and_empty_parts_are_errors() {
    assert_found(
        &found("item,price,y\na,1,1\na,2,1\n", SAMPLES),
        &["E0510: the label `y` is 1 in all 2 rows of the train part"],
    );
    let split = "
samples: {from: logs, labels: {y: y == 1}, split: {train: price < 3, valid: price == 3, test: price > 3}}
features: {item: {type: id, min_count: 1}, price: {type: number}}
";
    let findings = found("item,price,y\na,1,1\na,2,0\na,4,0\n", split);
    assert_found(&findings, &["E0509: the part `valid` of the split is empty; 3 rows have a part, 0 have none"]);
    let two = split.replace("valid: price == 3", "valid: price >= 2");
    let findings = found("item,price,y\na,1,1\na,2,0\na,4,0\na,3,1\n", &two);
    assert_found(
        &findings,
        &[
            "E0508: the row at `logs.csv:3` is in two parts of the split",
            "E0508: the row at `logs.csv:4` is in two parts of the split",
        ],
    );
    let one_class = found("item,price,y\na,1,1\na,2,0\na,3,0\na,4,1\n", split);
    assert_found(
        &one_class,
        &["W0503: the label `y` is 0 in every row of valid", "W0503: the label `y` is 1 in every row of test"],
    );
}

#[test]
fn a_data_section_that_cannot_be_is_said_before_any_file_is_touched() {
    let spec = "
sources: {logs: {path: nowhere.csv, encoding: latin-one, time: {column: t, zone: Mars/Base}}}
samples: {from: logs, labels: {y: lgo(y) == 1}, negatives: {n: 1, of: price, by: uniform}}
features: {item: {type: id}, price: {type: number, value: price + 'x'}}
axes: {slate: {list: request, max: 3}, drawn: {draw: item, n: 4, by: uniform, along: [past, slate]}, visits: {within: past, gap: 30m}, past: {from: log, by: item, last: 3}}
";
    let findings = World::new(&[], spec).findings(&WANTS);
    let expected = [
        "E0455: `latin-one` is not the name of an encoding",
        "E0455: the time zone `Mars/Base` is not known on this machine",
        "E0453: there is no function `lgo` in data expressions",
        "E0452: expected a number, found a text",
        "E0451: a draw along several axes is not supported yet",
        "E0454: `log` is not a source; `logs` is one",
        "E0454: `price` cannot be drawn: it holds no id that says which item it is",
    ];
    assert_found(&findings, &expected);
}
