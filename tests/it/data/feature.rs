//! Features: what is fitted on the train part, and what batches then hold.

use specrec::data::CacheDir;
use specrec::syntax::spec::Part;

use super::{World, ids, numbers, rows};

const PARTS: [Part; 2] = [Part::Train, Part::Valid];

fn world(logs: &str, rest: &str) -> World {
    let spec = format!(
        "
sources: {{logs: {{path: logs.csv, time: t}}, ads: {{path: ads.csv, key: ad}}}}
samples: {{from: logs, join: {{ads: ad}}, split: {{by: time, parts: [0.5, 0.5]}}}}
{rest}"
    );
    World::new(&[("logs.csv", logs), ("ads.csv", "ad,brand,price\n1,b1,10\n2,b2,20\n3,b1,\n")], &spec)
}

#[test]
fn vocabularies_know_the_train_part_only() {
    let logs = "t,ad,hour\n1,x,0\n2,y,23\n3,x,5\n4,z,0\n5,z,1\n6,y,2\n7,x,3\n8,,4\n";
    let world = world(
        logs,
        "
features:
  ad: {type: id}
  all: {type: id, column: ad, min_count: 1}
  hashed: {type: id, column: ad, hash: 7}
  hour: {type: id, size: 24}
",
    );
    let dataset = world.open(&["ad", "all", "hashed", "hour"]);
    let [train, valid] = PARTS.map(|part| dataset.first(part, 99).unwrap());
    assert_eq!((ids(&train, "ad"), ids(&valid, "ad")), (&[1, 0, 1, 0][..], &[0, 0, 1, 0][..]), "min_count is 2");
    assert_eq!((ids(&train, "all"), ids(&valid, "all")), (&[1, 2, 1, 3][..], &[3, 2, 1, 0][..]));
    assert_eq!(ids(&train, "hour"), [1, 24, 6, 1]);
    let hashed = ids(&valid, "hashed");
    assert!(hashed[..3].iter().all(|row| (1..=7).contains(row)) && hashed[3] == 0, "{hashed:?}");
    assert_eq!(ids(&train, "hashed")[0], hashed[2]);
    assert_eq!(
        ["ad", "all", "hashed", "hour"].map(|table| dataset.rows_of(table)),
        [Some(2), Some(4), Some(8), Some(25)]
    );
    let unknown = |input: &str, part: &str| {
        let found = dataset.report().ids.iter().find(|ids| ids.input == input && ids.part == part).unwrap();
        (found.unknown, found.ids)
    };
    assert_eq!((unknown("ad", "train"), unknown("ad", "valid"), unknown("all", "valid")), ((2, 4), (2, 3), (0, 3)));
}

#[test]
fn lists_and_other_sources_do_not_tell_what_became_of_a_rare_id() {
    // `liked` and `odd` were there once; only `liked` is in later lists and in the other source. Were these counted on top,
    // the unknown row would stand for what was not liked. `old` stands in lists alone, `often` is often in the other source.
    let logs = "t,user,ad,seen\n1,u,liked,old\n2,u,odd,old|liked\n3,u,x,old|liked\n4,u,often,\n5,u,x,\n6,u,x,\n7,u,x,\n8,u,x,\n9,u,x,\n10,u,x,\n";
    let acts = "t,user,ad\n1,u,liked\n1,u,often\n2,u,often\n";
    let spec = "
sources: {logs: {path: logs.csv, time: t}, acts: {path: acts.csv, time: t}}
samples: {from: logs, split: {by: time, parts: [0.6, 0.4]}}
features: {ad: {type: id, min_count: 2}}
axes:
  past: {from: acts, by: user, last: 5}
  seen: {columns: {ad: seen}, separator: '|', order: oldest_first, last: 5}
";
    let world = World::new(&[("logs.csv", logs), ("acts.csv", acts)], spec);
    let train = world.open(&["ad", "past.ad", "seen.ad"]).first(Part::Train, 99).unwrap();
    assert_eq!((ids(&train, "ad"), ids(&train, "seen.ad")), (&[0, 0, 1, 2, 1, 1][..], &[3, 3, 0, 3, 0][..]));
}

#[test]
fn tables_share_their_vocabulary() {
    let world = world(
        "t,ad,other\n1,x,y\n2,y,x\n3,z,z\n4,x,w\n",
        "
tables: {items: {dim: 4, min_count: 1}, wide: {of: items, dim: 1}, wider: {of: wide, dim: 2}}
features: {ad: {type: id, table: items}, other: {type: id, table: items}}
",
    );
    let dataset = world.open(&["ad", "other"]);
    let valid = dataset.first(Part::Valid, 9).unwrap();
    assert_eq!((ids(&valid, "ad"), ids(&valid, "other")), (&[0, 1][..], &[0, 0][..]));
    assert_eq!(["items", "wide", "wider", "ad"].map(|table| dataset.rows_of(table)), [Some(3); 4]);
    assert_eq!(dataset.rows_of("none"), None);
}

#[test]
fn numbers_are_scaled_by_the_train_part() {
    let logs = "t,ad,x\n1,1,1\n2,2,3\n3,3,\n4,1,5\n5,2,7\n6,1,\n7,1,9\n8,1,-1\n";
    let world = world(
        logs,
        "
features:
  x: {type: number, scale: zscore, missing: {fill: mean, flag: true}}
  m: {type: number, column: x, scale: minmax, missing: {fill: 9}}
  l: {type: number, value: log2(1 + x)}
  price: {type: number, missing: {flag: true}}
",
    );
    let dataset = world.open(&["x", "m", "l", "price"]);
    let [train, valid] = PARTS.map(|part| dataset.first(part, 99).unwrap());
    // Train: 1, 3, null, 5: mean 3, deviation sqrt(8/3).
    let deviation = (8.0_f64 / 3.0).sqrt();
    let z = |x: f64| ((x - 3.0) / deviation) as f32;
    assert_eq!(numbers(&train, "x"), [z(1.0), 0.0, 0.0, 0.0, 0.0, 1.0, z(5.0), 0.0]);
    assert_eq!(numbers(&valid, "x"), [z(7.0), 0.0, 0.0, 1.0, z(9.0), 0.0, z(-1.0), 0.0]);
    assert_eq!(numbers(&valid, "m"), [1.5, 2.0, 2.0, -0.5], "a fill is scaled too");
    assert_eq!(numbers(&valid, "l")[..2], [3.0, 0.0]);
    assert_eq!(numbers(&valid, "l")[3], 0.0, "the logarithm of 0 is null");
    assert_eq!(numbers(&train, "price"), [10.0, 0.0, 20.0, 0.0, 0.0, 1.0, 10.0, 0.0], "from the joined source");
}

#[test]
fn buckets_are_cut_at_quantiles_of_the_train_part_or_at_edges() {
    let logs = "t,ad,x\n1,1,1\n2,2,2\n3,3,3\n4,1,4\n5,2,100\n6,1,\n7,1,2\n8,1,-1\n";
    let world = world(
        logs,
        "
features:
  q: {type: bucket, column: x, edges: 3}
  e: {type: bucket, column: x, edges: [2, 50]}
",
    );
    let dataset = world.open(&["q", "e"]);
    let [train, valid] = PARTS.map(|part| dataset.first(part, 99).unwrap());
    assert_eq!((ids(&train, "q"), ids(&valid, "q")), (&[1, 2, 3, 4][..], &[4, 0, 2, 1][..]));
    assert_eq!((ids(&train, "e"), ids(&valid, "e")), (&[1, 2, 2, 2][..], &[3, 0, 2, 1][..]));
    assert_eq!((dataset.rows_of("q"), dataset.rows_of("e")), (Some(5), Some(4)));
}

#[test]
fn several_ids_are_a_ragged_axis() {
    let logs = "t,ad,tags\n1,1,a|b\n2,2,\n3,3,b|b|c\n4,1,a\n";
    let spec = "
sources: {logs: {path: logs.csv}}
samples: {from: logs}
features: {tags: {type: ids, separator: '|', min_count: 2}}
";
    let batch = World::new(&[("logs.csv", logs)], spec).batch(&["tags"], Part::Train);
    assert_eq!(rows(&batch, "tags", "tags"), [&[1, 2][..], &[], &[2, 2, 0], &[1]]);
}

#[test]
fn a_value_served_as_a_constant_is_itself_in_training() {
    let logs = "t,ad,pos\n1,1,3\n2,2,4\n3,3,7\n4,1,8\n";
    let world = world(
        logs,
        "
features:
  pos: {type: id, size: 20, serve_as: 1}
  place: {type: number, column: pos, scale: minmax, serve_as: 1}
",
    );
    let dataset = world.open(&["pos", "place"]);
    let [train, valid] = PARTS.map(|part| dataset.first(part, 99).unwrap());
    assert_eq!((ids(&train, "pos"), ids(&valid, "pos")), (&[4, 5][..], &[2, 2][..]));
    assert_eq!((numbers(&train, "place"), numbers(&valid, "place")), (&[0.0, 1.0][..], &[-2.0, -2.0][..]));
}

#[test]
fn computed_ids_and_dates_are_read() {
    let spec = "
sources: {logs: {path: logs.csv, time: {column: ts, unit: ms, zone: '+08:00'}}}
samples: {from: logs}
features:
  hour: {type: id, value: hour(ts), size: 24}
  weekday: {type: id, value: weekday(ts), size: 7}
  brand: {type: id, value: lower(brand), min_count: 1}
";
    let world = World::new(&[("logs.csv", "ts,brand\n0,ACME\n57600000,acme\n")], spec);
    let batch = world.batch(&["hour", "weekday", "brand"], Part::Train);
    // 1970-01-01 00:00 UTC is 8 o'clock there, a Thursday; 16 hours later it is Friday 0 o'clock.
    assert_eq!(
        (ids(&batch, "hour"), ids(&batch, "weekday"), ids(&batch, "brand")),
        (&[9, 1][..], &[4, 5][..], &[1, 1][..])
    );
}

#[test]
fn an_id_beyond_its_size_breaks_the_row() {
    let world = world("t,ad,hour\n1,1,24\n2,1,x\n", "features: {hour: {type: id, size: 24}}");
    let findings = world.try_open(&["hour"], CacheDir::Off).1;
    assert!(
        findings[0]
            .contains("broken row at `logs.csv:2`: expected a whole number from 0 to 23 as id of `hour`, found `24`")
    );
    assert_eq!(findings.len(), 2);
}
