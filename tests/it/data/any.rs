//! Files that chance has written: whatever the bytes, reading them ends in samples or in findings, never in a panic.

use proptest::prelude::*;
use specrec::data::{CacheDir, Options, open};
use specrec::diag::Diags;
use specrec::syntax::spec::Part;

use super::{World, want};

/// Pieces that mean something to a reader of tables.
const PIECES: &[&[u8]] = &[
    b"item",
    b"price",
    b"y",
    b"at",
    b"tags",
    b"a",
    b"b",
    b"1",
    b"0",
    b"-1",
    b"1.5",
    b"1e999",
    b"nan",
    b"inf",
    b"007",
    b"",
    b",",
    b",",
    b",",
    b"\n",
    b"\n",
    b"\r\n",
    b"\r",
    b"\"",
    b"\"\"",
    b"\"a,b\"",
    b"|",
    b" ",
    b"\t",
    b";",
    b"2024-01-01",
    b"2024-13-99",
    b"9999999999999999999",
    b"\0",
    b"\xef\xbb\xbf",
    b"\xff",
    b"\xc3",
    "é".as_bytes(),
    "日".as_bytes(),
    b"\x1f\x8b\x08\x00",
    b"\x28\xb5\x2f\xfd",
    b"{\"item\": 1}",
    b"[1, 2]",
    b"null",
];

const SPECS: &[(&str, &str)] = &[
    (
        "logs.csv",
        "
sources: {logs: {path: logs.csv, on_error: skip}}
samples: {from: logs, labels: {y: y == 1}, split: {by: random, parts: [0.5, 0.25, 0.25], seed: 1}}
features: {item: {type: id, min_count: 1}, price: {type: number}, tags: {type: ids, separator: '|'}}
axes: {history: {from: logs, by: item, last: 3}}
",
    ),
    (
        "logs.csv",
        "
sources: {logs: {path: logs.csv}}
samples: {from: logs, time: {column: at, unit: s}, labels: {y: y == 1}, split: {by: time, parts: [0.5, 0.25, 0.25]}}
features: {item: {type: id}, price: {type: bucket, edges: 4}, tags: {type: ids, separator: '|'}}
axes: {history: {from: logs, by: item, last: 3}}
",
    ),
    (
        "logs.jsonl",
        "
sources: {logs: {path: logs.jsonl}}
samples: {from: logs, labels: {y: y == 1}, split: {by: leave_one_out, of: item}}
features: {item: {type: id}, price: {type: number}, tags: {type: ids}}
axes: {history: {from: logs, by: item, last: 3}}
",
    ),
];

const WANTS: &[&str] = &["item", "price", "tags", "history.item", "history.price", "label y"];

/// Opens the file with each spec and reads all there is.
fn survives(bytes: &[u8]) {
    for (name, spec) in SPECS {
        let world = World::new(&[(name, "")], spec);
        std::fs::write(world.path(name), bytes).unwrap();
        let spec = world.spec();
        let wants: Vec<_> = WANTS.iter().map(|text| want(text)).collect();
        let mut diags = Diags::default();
        let dataset = open(&spec, &wants, &Options { cache: CacheDir::Off }, &mut diags);
        assert!(dataset.is_some() || diags.has_errors(), "neither samples nor a finding");
        for part in [Part::Train, Part::Valid, Part::Test] {
            let _batch = dataset.as_ref().and_then(|dataset| dataset.first(part, usize::MAX));
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..60)) {
        survives(&pieces.concat());
    }

    #[test]
    fn any_rows_are_read_or_refused(rows in proptest::collection::vec(proptest::collection::vec(proptest::sample::select(PIECES), 5), 0..12)) {
        let rows: Vec<Vec<u8>> = rows.iter().map(|fields| fields.join(&b","[..])).collect();
        survives(&[b"item,price,y,at,tags\n".to_vec(), rows.join(&b"\n"[..])].concat());
    }
}
