//! Histories: what a sample sees of events, of its own source and of others, and of lists in its own row.

use specrec::syntax::spec::Part;

use super::{World, ids, numbers, rows};

const LOGS: &str = "user,item,t,click\na,x,10,1\na,y,20,0\nb,x,20,1\na,z,30,1\na,x,30,1\na,y,40,1\n,x,50,1\n";

fn logs(axis: &str, more: &str) -> World {
    let spec = format!(
        "
sources: {{logs: {{path: logs.csv, time: t}}}}
samples: {{from: logs, labels: {{y: click == 1}}{more}}}
features:
  item: {{type: id, min_count: 1}}
  ago: {{type: number, value: sample.time - step.time}}
  since: {{type: bucket, value: sample.time - step.time, edges: [5, 15]}}
axes: {{past: {axis}}}
"
    );
    World::new(&[("logs.csv", LOGS)], &spec)
}

/// The history of each row, items by code: x 1, y 2, z 3.
fn past(world: &World) -> Vec<Vec<u32>> {
    let batch = world.batch(&["past.item"], Part::Train);
    let mut all: Vec<(u64, Vec<u32>)> = batch
        .feed
        .ids
        .iter()
        .copied()
        .zip(rows(&batch, "past", "past.item").into_iter().map(<[u32]>::to_vec))
        .collect();
    all.sort_unstable();
    all.into_iter().map(|(_, items)| items).collect()
}

#[test]
fn events_are_strictly_earlier_and_the_newest_come_last() {
    let by_user = |more: &str| past(&logs("{from: logs, by: user, last: 9}", more));
    let none = Vec::<u32>::new();
    assert_eq!(
        by_user(""),
        [none.clone(), vec![1], none.clone(), vec![1, 2], vec![1, 2], vec![1, 2, 3, 1], none.clone()]
    );
    assert_eq!(by_user(", ties: row_order")[4], [1, 2, 3], "the row before it, of its own time");
    assert_eq!(past(&logs("{from: logs, by: user, last: 2}", ""))[5], [3, 1]);
    assert_eq!(past(&logs("{from: logs, by: user, last: 9, delay: 15}", ""))[5], [1, 2]);
    let liked = past(&logs("{from: logs, by: user, where: y and item != 'z', last: 9}", ""));
    assert_eq!((&liked[3], &liked[5]), (&vec![1], &vec![1, 1]));
}

#[test]
fn ties_are_counted() {
    let dataset = logs("{from: logs, by: user, last: 9}", "").open(&["past.item"]);
    assert_eq!(dataset.report().ties, [("past".to_string(), 2)]);
}

#[test]
fn a_label_known_later_hides_events_that_would_give_it_away() {
    let world = logs("{from: logs, by: user, where: y, last: 9}", "");
    let late =
        World { spec: world.spec.replace("{y: click == 1}", "{y: {is: click == 1, known_after: 15}}"), dir: world.dir };
    assert_eq!(past(&late)[5], [1], "of clicks at 10, 30 and 30, only the first is known at 40");
}

#[test]
fn values_between_sample_and_event_are_computed_for_each_pair() {
    let world = logs("{from: logs, by: user, last: 9}", "");
    let batch = world.batch(&["ago", "past.ago", "past.since", "since"], Part::Train);
    let at = batch.feed.ids.iter().position(|&row| row == 5).unwrap();
    let range = batch.feed.offsets["past"][at] as usize..batch.feed.offsets["past"][at + 1] as usize;
    assert_eq!(numbers(&batch, "past.ago")[range.clone()], [30.0, 20.0, 10.0, 10.0]);
    assert_eq!(ids(&batch, "past.since")[range], [3, 3, 2, 2]);
    assert!(numbers(&batch, "ago").iter().all(|ago| *ago == 0.0), "outside an axis, step is the sample itself");
}

#[test]
fn differences_are_scaled_by_pairs_of_the_train_part() {
    let world = logs("{from: logs, by: user, last: 9}", "");
    let scaled = World {
        spec: world.spec.replace(
            "value: sample.time - step.time}\n  since",
            "value: sample.time - step.time, scale: minmax}\n  since",
        ),
        dir: world.dir,
    };
    // Pairs of the train part are 10, 20 10, 20 10, 30 20 10 10 apart.
    let batch = scaled.batch(&["past.ago"], Part::Train);
    let mut values = numbers(&batch, "past.ago").to_vec();
    values.sort_by(f32::total_cmp);
    values.dedup();
    assert_eq!(values, [0.0, 0.5, 1.0]);
}

#[test]
fn events_of_another_source_are_seen_with_its_joined_columns() {
    let spec = "
sources:
  logs: {path: logs.csv, time: t}
  acts: {path: acts.csv, time: {column: at, unit: ms}}
  ads: {path: ads.csv, key: item}
samples: {from: logs, join: {ads: item}, labels: {y: click == 1}, split: {by: time, parts: [0.6, 0.4]}}
features: {brand: {type: id, min_count: 1}, item: {type: id, min_count: 1}, price: {type: number}}
axes:
  views: {from: acts, by: user, where: act == 'pv', last: 2}
  buys: {from: acts, by: user, where: act == 'buy', last: 9}
";
    let acts =
        "act,at,user,item,price\npv,9000,a,x,1\nbuy,10000,a,z,2\npv,19000,a,z,3\npv,19500,a,y,4\npv,45000,a,w,5\n";
    let ads = "item,brand\nx,bx\ny,by\nz,bz\nw,bw\n";
    let logs = LOGS.replace(",1\n", ",1,7\n").replace(",0\n", ",0,7\n").replace("click\n", "click,price\n");
    let world = World::new(&[("logs.csv", &logs), ("acts.csv", acts), ("ads.csv", ads)], spec);
    let dataset = world.open(&["item", "brand", "views.item", "views.brand", "views.price", "buys.item"]);
    let train = dataset.first(Part::Train, 99).unwrap();
    // Rows 0, 1 and 2 and those of time 30 train. Row 3 sees the two newest views, z and y.
    let at = train.feed.ids.iter().position(|&row| row == 3).unwrap();
    let range = train.feed.offsets["views"][at] as usize..train.feed.offsets["views"][at + 1] as usize;
    assert_eq!(numbers(&train, "views.price")[range.clone()], [3.0, 4.0]);
    assert_eq!(rows(&train, "buys", "buys.item")[at].len(), 1);
    // The view of w, later than the train part, taught nothing.
    assert_eq!(dataset.rows_of("item"), Some(4));
    let valid = dataset.first(Part::Valid, 99).unwrap();
    assert_eq!(
        rows(&valid, "views", "views.item"),
        [&ids(&train, "views.item")[range][..], &[]],
        "row 5 at 40, row 6 nobody's"
    );
}

const LISTS: &str = "item,hist,times,t,y\nz,x|y|z,30|20|10,40,1\nx,,,41,0\ny,y,40,42,1\n";

fn lists(axis: &str) -> World {
    let spec = format!(
        "
sources: {{logs: {{path: logs.csv, time: t}}, ads: {{path: ads.csv, key: item}}}}
samples: {{from: logs, join: {{ads: item}}, labels: {{y: y}}}}
features:
  item: {{type: id, min_count: 1}}
  tags: {{type: ids, separator: ';', min_count: 1}}
  ago: {{type: number, value: sample.time - step.time}}
axes: {{past: {axis}}}
"
    );
    World::new(&[("logs.csv", LISTS), ("ads.csv", "item,tags\nx,p;q\ny,\nz,p\n")], &spec)
}

#[test]
fn lists_of_the_row_are_turned_oldest_first_and_cut_to_the_newest() {
    let wants = ["item", "past.item", "past.tags", "past.ago"];
    let newest_first = "{columns: {item: hist, step.time: times}, separator: '|', order: newest_first, last: 2}";
    let world = lists(newest_first);
    let batch = world.batch(&wants, Part::Train);
    assert_eq!(ids(&batch, "item"), [1, 2, 3]);
    assert_eq!(rows(&batch, "past", "past.item"), [&[3, 2][..], &[], &[3]], "y and x of x, y, z");
    assert_eq!(numbers(&batch, "past.ago"), [20.0, 10.0, 2.0]);
    assert_eq!(
        rows(&batch, "past.tags", "past.tags"),
        [&[][..], &[1, 2], &[]],
        "joined by the listed item: z has p, x has p;q"
    );
    let oldest_first = lists("{columns: {item: hist}, separator: '|', order: oldest_first, last: 2}");
    assert_eq!(
        rows(&oldest_first.batch(&["item", "past.item"], Part::Train), "past", "past.item")[0],
        [3, 1],
        "y and z"
    );
}

#[test]
fn lists_of_unequal_length_break_the_row() {
    let world = lists("{columns: {item: hist, step.time: times}, separator: '|', order: newest_first, last: 2}");
    std::fs::write(world.path("logs.csv"), LISTS.replace("30|20|10", "30|20")).unwrap();
    let findings = world.findings(&["past.item"]);
    assert!(
        findings[0].contains("`logs.csv:2`: expected as many elements in `times` as the 3 in `hist`, found 2"),
        "{findings:?}"
    );
}

#[test]
fn listed_steps_that_are_not_earlier_are_warned_of() {
    let world = lists("{columns: {item: hist, step.time: times}, separator: '|', order: newest_first, last: 2}");
    std::fs::write(world.path("logs.csv"), LISTS.replace("y,y,40,42", "y,y,42,42")).unwrap();
    let findings = world.try_open(&["past.item"], specrec::data::CacheDir::Off).1;
    assert!(findings.iter().any(|finding| finding.starts_with("W0504: 1 elements of `past`")), "{findings:?}");
}

#[test]
fn a_batch_without_any_history_is_a_batch() {
    let world = logs("{from: logs, by: user, where: click > 1, last: 9}", "");
    let batch = world.batch(&["past.item", "past.ago", "past.since"], Part::Train);
    assert_eq!(batch.feed.offsets["past"], [0; 8]);
    assert!(ids(&batch, "past.item").is_empty() && numbers(&batch, "past.ago").is_empty());
}

#[test]
fn without_time_the_rows_are_in_order() {
    let spec = "
sources: {logs: {path: a.txt, format: sequences}}
samples: {from: logs, split: {by: leave_one_out, of: user}}
features: {item: {type: id, min_count: 1}}
axes: {past: {from: logs, by: user, last: 9}}
";
    let world = World::new(&[("a.txt", "u 5 6 7 8\nv 6 5\n")], spec);
    let dataset = world.open(&["item", "past.item"]);
    let test = dataset.first(Part::Test, 9).unwrap();
    assert_eq!(
        (rows(&test, "past", "past.item"), ids(&test, "item")),
        (vec![&[1, 2, 0][..]], &[0][..]),
        "7 and 8 are not in train"
    );
    let train = dataset.first(Part::Train, 9).unwrap();
    assert_eq!(rows(&train, "past", "past.item"), [&[][..], &[1], &[], &[2]]);
}
