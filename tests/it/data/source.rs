//! Formats and how files are written.

use specrec::syntax::spec::Part;

use super::{World, ids, numbers, rows};

/// The items of all rows, by their code in order of appearance.
fn items(files: &[(&str, &str)], source: &str) -> Vec<u32> {
    let spec = format!(
        "
sources: {{logs: {source}}}
samples: {{from: logs}}
features: {{item: {{type: id, min_count: 1}}}}
"
    );
    ids(&World::new(files, &spec).batch(&["item"], Part::Train), "item").to_vec()
}

#[test]
fn one_set_of_rows_reads_the_same_in_every_format() {
    let expected = [1, 2, 1];
    assert_eq!(items(&[("a.csv", "item\nx\ny\nx\n")], "{path: a.csv}"), expected);
    assert_eq!(items(&[("a.tsv", "u\titem\n1\tx\n1\ty\n2\tx\n")], "{path: a.tsv}"), expected);
    assert_eq!(items(&[("a.txt", "1;x\n1;y\n2;x")], "{path: a.txt, columns: [u, item], delimiter: ';'}"), expected);
    assert_eq!(
        items(&[("a.jsonl", "{\"item\": \"x\"}\n{\"item\": \"y\"}\n{\"item\": \"x\"}\n")], "{path: a.jsonl}"),
        expected
    );
    assert_eq!(items(&[("a.txt", "1 x y\n2 x\n")], "{path: a.txt, format: sequences}"), expected);
}

#[test]
fn files_of_a_glob_follow_each_other_and_columns_may_change_places() {
    let files = [("d/2.csv", "item,u\nx,1\n"), ("d/1.csv", "u,item\n1,x\n2,y\n")];
    assert_eq!(items(&files, "{path: 'd/*.csv'}"), [1, 2, 1]);
    assert_eq!(items(&files, "{path: [d/2.csv, d/1.csv]}"), [1, 1, 2]);
}

#[test]
fn partitions_and_filters_choose_rows() {
    let files = [("dt=1/a.csv", "item\nx\nz\n"), ("dt=2/a.csv", "item\ny\nx\n")];
    assert_eq!(items(&files, "{path: 'dt=*/a.csv', partition: dt, where: dt == 2}"), [1, 2]);
    let files = [("item=x/a.csv", "u\n1\n1\n"), ("item=y/a.csv", "u\n1\n")];
    assert_eq!(items(&files, "{path: 'item=*/a.csv', partition: item}"), [1, 1, 2]);
}

#[test]
fn texts_that_mean_null_are_null() {
    assert_eq!(items(&[("a.csv", "item\nx\nNA\n-\nx\n")], "{path: a.csv, missing: ['NA', '-']}"), [1, 0, 0, 1]);
    assert_eq!(items(&[("a.csv", "u,item\n1,\n2,x\n")], "{path: a.csv}"), [0, 1]);
}

#[test]
fn ids_compare_as_texts() {
    assert_eq!(items(&[("a.csv", "item\n7\n007\n7\n")], "{path: a.csv}"), [1, 2, 1]);
    assert_eq!(items(&[("a.jsonl", "{\"item\": 7}\n{\"item\": \"7\"}\n")], "{path: a.jsonl}"), [1, 1]);
}

#[test]
fn libsvm_rows_are_vectors() {
    let spec = "
sources: {docs: {path: a.svm}}
samples: {from: docs, labels: {y: label >= 1}}
features: {x: {type: vector, columns: ['1', '2', '3'], scale: minmax}}
";
    let world = World::new(&[("a.svm", "0 qid:1 1:1 3:4\n2 qid:1 1:3 2:8 # d\n")], spec);
    assert_eq!(numbers(&world.batch(&["x", "label y"], Part::Train), "x"), [0.0, 0.0, 1.0, 1.0, 1.0, 0.0]);
}

#[test]
fn arrays_of_json_are_several_ids() {
    let spec = "
sources: {logs: {path: a.jsonl}}
samples: {from: logs}
features: {tags: {type: ids, min_count: 1, max: 2}}
";
    let world =
        World::new(&[("a.jsonl", "{\"tags\": [\"a\", 7]}\n{\"tags\": []}\n{}\n{\"tags\": [7, \"b\", \"c\"]}\n")], spec);
    let batch = world.batch(&["tags"], Part::Train);
    assert_eq!(rows(&batch, "tags", "tags"), [&[1, 2][..], &[], &[], &[2, 3]]);
}
