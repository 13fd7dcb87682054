//! Tables that begin with the vectors of a file.

use specrec::data::vectors;
use specrec::diag::Diags;
use specrec::lower::{Rows, Table};
use specrec::syntax::spec::Tuning;

use super::World;

const LOGS: &str = "item,y\nx,1\ny,0\nz,1\nx,0\n";

fn world(files: &[(&str, &str)], from: &str) -> World {
    let spec = format!(
        "
sources: {{logs: {{path: logs.csv}}}}
samples: {{from: logs, labels: {{y: y == 1}}}}
features: {{item: {{type: id, min_count: 1}}}}
tables: {{text: {{of: item, dim: 2, from: {from}}}}}
"
    );
    World::new(&[&[("logs.csv", LOGS)], files].concat(), &spec)
}

fn found(world: &World) -> Result<Vec<f32>, String> {
    let tables = [Table {
        name: "text".into(),
        vocabulary: "item".into(),
        dim: 2,
        rows: Rows::Vocabulary,
        tuning: Tuning::Frozen,
    }];
    let mut diags = Diags::default();
    let found = vectors(&world.spec(), &tables, &world.open(&["item"]), &mut diags);
    found.map(|mut found| found.remove("text").unwrap()).ok_or_else(|| {
        let finding = &diags.list()[0];
        format!("{}: {}", finding.code, finding.title)
    })
}

#[test]
fn every_id_gets_its_vector_and_others_the_mean_or_zeros() {
    // Rows: the unknown one, x, y, z.
    let csv = ("v.csv", "id,a,b\nz,5,6\nq,9,9\nx,1,2\n");
    let columns = "{path: v.csv, key: id, columns: [a, b]}";
    assert_eq!(
        found(&world(&[csv], &format!("{columns}, missing: mean"))).unwrap(),
        [3.0, 4.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    );
    assert_eq!(
        found(&world(&[csv], &format!("{columns}, missing: zeros"))).unwrap(),
        [0.0, 0.0, 1.0, 2.0, 0.0, 0.0, 5.0, 6.0]
    );
}

#[test]
fn one_column_may_hold_the_vector() {
    let one = "{path: v.csv, key: id, column: v}, missing: zeros";
    let expected = [0.0, 0.0, 1.0, 2.0, 0.5, -1.0, 0.0, 0.0];
    for text in ["id,v\nx,1 2\ny,0.5 -1\n", "id,v\nx,\"[1, 2]\"\ny,0.5|-1\n"] {
        assert_eq!(found(&world(&[("v.csv", text)], one)).unwrap(), expected, "{text}");
    }
    let json = world(
        &[("v.jsonl", "{\"id\": \"x\", \"v\": [1, 2]}\n{\"id\": \"y\", \"v\": [0.5, -1]}\n")],
        &one.replace("csv", "jsonl"),
    );
    assert_eq!(found(&json).unwrap(), expected);
}

#[test]
fn vectors_that_do_not_fit_are_findings() {
    let one = "{path: v.csv, key: id, column: v}";
    let of = |text: &str| found(&world(&[("v.csv", text)], one)).unwrap_err();
    assert_eq!(of("id,v\nx,1 2 3\n"), "E0516: the vector of `x` has 3 numbers, the rows of its table have 2");
    assert_eq!(of("id,v\nq,1 2\n"), "E0516: `v.csv` has a vector of no id of the train part");
    assert_eq!(of("id,v\nx,1 2\ny,1 no\n"), "E0505: broken row at `v.csv:3`: expected a number, found `no`");
    assert_eq!(of("id,w\nx,1 2\n"), "E0504: there is no column `v` in `v.csv`");
    assert_eq!(found(&world(&[], one)).unwrap_err(), "E0501: there is no file `v.csv`");
}
