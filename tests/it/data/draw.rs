//! Draws: ids and items that are not there, the same for the same sample and turn.

use std::collections::BTreeMap;

use specrec::data::{Batch, Order};
use specrec::syntax::spec::Part;

use super::{World, ids, numbers, rows};

/// Item i of 1 to 6 is in i train rows, by users who have one each; the last two rows of user a are held out.
fn world(axes: &str, more: &str) -> World {
    let mut logs = "user,item,tags,price,t\n".to_string();
    let mut t = 0;
    for item in 1..=6 {
        for copy in 0..item {
            t += 1;
            logs.push_str(&format!("u{item}{copy},i{item},x{item};y,{item}0,{t}\n"));
        }
    }
    for item in [1, 2, 3, 4, 5] {
        t += 1;
        logs.push_str(&format!("a,i{item},x{item};y,{item}0,{t}\n"));
    }
    // Without negatives a log of one class teaches nothing.
    let least = if more.contains("negatives") { 0 } else { 20 };
    let spec = format!(
        "
sources: {{logs: {{path: logs.csv, time: t}}}}
samples: {{from: logs, labels: {{y: t > {least}}}, split: {{train: t < 25, test: t >= 25}}{more}}}
features:
  item: {{type: id, min_count: 1, side: item}}
  tags: {{type: ids, separator: ';', min_count: 1, side: item}}
  price: {{type: number, side: item}}
  user: {{type: id, min_count: 1}}
groups: {{thing: [tags, item, price]}}
axes:
  past: {{from: logs, by: user}}
{axes}
"
    );
    World::new(&[("logs.csv", &logs)], &spec)
}

/// How often each id is drawn for user a's train sample at 22 to 24 and others, over many epochs.
fn frequencies(world: &World, axis: &str) -> BTreeMap<u32, f64> {
    let name = format!("{axis}.item");
    let dataset = world.open(&["item", &name]);
    let (mut counts, mut all) = (BTreeMap::new(), 0.0);
    for epoch in 0..200 {
        for batch in dataset.batches(Part::Train, 7, Order::Stored { seed: 1, epoch }, 0) {
            for id in ids(&batch.unwrap(), &name) {
                *counts.entry(*id).or_insert(0.0) += 1.0;
                all += 1.0;
            }
        }
    }
    counts.into_iter().map(|(id, count)| (id, count / all)).collect()
}

#[test]
fn ids_are_drawn_alike_or_by_their_counts() {
    // Rows 1 to 24 train: items 1 to 6 are there 2, 3, 4, 4, 5, 6 times. Every target is excluded for its own sample.
    let uniform = frequencies(&world("  drawn: {draw: item, n: 3, by: uniform}", ""), "drawn");
    let expected = |weights: [f64; 6]| {
        let counts = [2.0, 3.0, 4.0, 4.0, 5.0, 6.0];
        let mut of = [0.0; 6];
        for target in 0..6 {
            let total: f64 = (0..6).filter(|&item| item != target).map(|item| weights[item]).sum();
            for item in (0..6).filter(|&item| item != target) {
                of[item] += counts[target] / 24.0 * weights[item] / total;
            }
        }
        of
    };
    for (found, expected) in uniform.values().zip(expected([1.0; 6])) {
        assert!((found - expected).abs() < 0.01, "{found} {expected}");
    }
    let popular = frequencies(&world("  drawn: {draw: item, n: 3, by: popularity, power: 2}", ""), "drawn");
    for (found, expected) in popular.values().zip(expected([4.0, 9.0, 16.0, 16.0, 25.0, 36.0])) {
        assert!((found - expected).abs() < 0.01, "{found} {expected}");
    }
}

const WANTS: [&str; 6] = ["item", "past.item", "drawn.item", "drawn.tags", "drawn.price", "log_q drawn"];

fn drawn(axis: &str) -> World {
    world(axis, "")
}

#[test]
fn neither_the_target_nor_what_an_axis_holds_is_drawn() {
    let batch =
        drawn("  drawn: {draw: item, n: 5, by: popularity, not_in: [past]}").batch(&["item", "drawn.item"], Part::Test);
    let drawn = rows(&batch, "drawn", "drawn.item");
    // User a has items 1, 2, 3 before 25, then 4 and 5: only 5 and 6 are left at 25, and 6 at 26.
    assert_eq!(drawn.iter().map(|ids| ids.len()).collect::<Vec<_>>(), [5, 5]);
    assert!(drawn[0].iter().all(|id| [5, 6].contains(id)) && drawn[1] == [6; 5], "{drawn:?}");
}

#[test]
fn where_everything_is_excluded_nothing_is_drawn() {
    let world = drawn("  drawn: {draw: item, n: 2, by: uniform}");
    let spec = world.spec.replace("item: {type: id, min_count: 1", "item: {type: id, min_count: 6");
    let world = World { spec, ..world };
    // Only item 6 has a row of its own, and it is the target of its six samples.
    let batch = world.batch(&["item", "drawn.item"], Part::Train);
    for (target, drawn) in ids(&batch, "item").iter().zip(rows(&batch, "drawn", "drawn.item")) {
        assert_eq!(drawn, if *target == 1 { &[][..] } else { &[1, 1] });
    }
}

#[test]
fn a_drawn_item_comes_with_all_that_belongs_to_it() {
    let batch = drawn("  drawn: {draw: thing, n: 4, by: popularity}").batch(&WANTS, Part::Train);
    let tags = rows(&batch, "drawn.tags", "drawn.tags");
    let (ids, prices, log_q) = (ids(&batch, "drawn.item"), numbers(&batch, "drawn.price"), numbers(&batch, "drawn"));
    assert_eq!((ids.len(), tags.len(), prices.len()), (96, 96, 96));
    let counts = [2.0_f32, 3.0, 4.0, 4.0, 5.0, 6.0];
    for at in 0..96 {
        let item = ids[at];
        // Tags are numbered x1, y, x2, x3, ... by first appearance.
        assert_eq!(tags[at], [if item == 1 { 1 } else { item + 1 }, 2]);
        assert_eq!(prices[at], 10.0 * item as f32);
        assert!((log_q[at] - (counts[item as usize - 1] / 24.0).ln()).abs() < 1e-6);
    }
}

#[test]
fn along_an_axis_every_element_has_its_own() {
    let world = drawn("  drawn: {draw: item, n: 2, by: uniform, not_in: [past], along: [past]}");
    let batch = world.batch(&["item", "past.item", "drawn.item"], Part::Test);
    assert_eq!(batch.feed.offsets["past"], [0, 3, 7]);
    assert_eq!(batch.feed.offsets["drawn"], [0, 2, 4, 6, 8, 10, 12, 14]);
    let drawn = ids(&batch, "drawn.item");
    assert!(drawn[..6].iter().all(|id| [5, 6].contains(id)) && drawn[6..] == [6; 8], "{drawn:?}");
}

#[test]
fn training_draws_anew_and_validation_does_not() {
    let world = drawn("  drawn: {draw: item, n: 3, by: uniform}");
    let dataset = world.open(&["item", "drawn.item"]);
    let by_row = |part, order, size| {
        let mut all: Vec<(u64, Vec<u32>)> = Vec::new();
        for batch in dataset.batches(part, size, order, 0).map(Result::unwrap) {
            let drawn = rows(&batch, "drawn", "drawn.item").into_iter().map(<[u32]>::to_vec).collect::<Vec<_>>();
            all.extend(batch.feed.ids.iter().copied().zip(drawn));
        }
        all.sort();
        all
    };
    let turn = |seed, epoch| by_row(Part::Train, Order::Shuffled { seed, epoch }, 5);
    assert_eq!(turn(1, 0), by_row(Part::Train, Order::Stored { seed: 1, epoch: 0 }, 3), "whatever the batches are");
    assert_ne!(turn(1, 0), turn(1, 1));
    assert_ne!(turn(1, 0), turn(2, 0));
    let fixed = by_row(Part::Test, Order::Sequential, 1);
    assert_eq!(fixed, by_row(Part::Test, Order::Shuffled { seed: 1, epoch: 3 }, 9));
}

#[test]
fn negatives_are_rows_with_another_item_and_no_label() {
    let world = world("", ", negatives: {n: 3, of: thing, by: popularity, not_in: [past]}");
    let wants = ["item", "tags", "price", "user", "past.item", "label y", "weight"];
    let dataset = world.open(&wants);
    assert_eq!([dataset.len(Part::Train), dataset.len(Part::Test)], [96, 8]);
    let mut batch = Batch::default();
    for next in dataset.batches(Part::Test, 99, Order::Sequential, 0) {
        batch = next.unwrap();
    }
    assert_eq!(numbers(&batch, "y"), [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
    let items = ids(&batch, "item");
    assert_eq!((items[0], items[4]), (4, 5));
    assert!(items[1..4].iter().all(|id| [5, 6].contains(id)) && items[5..] == [6; 3], "{items:?}");
    let tags = rows(&batch, "tags", "tags");
    for at in 0..8 {
        assert_eq!((tags[at][0], numbers(&batch, "price")[at]), (items[at] + 1, 10.0 * items[at] as f32));
    }
    assert_eq!(rows(&batch, "past", "past.item")[5], [1, 2, 3, 4], "the user's past stays");
    let mut seen: Vec<u64> = Vec::new();
    for epoch in dataset.batches(Part::Train, 10, Order::Shuffled { seed: 1, epoch: 0 }, 0) {
        seen.extend(epoch.unwrap().feed.ids);
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 96, "each has a number of its own");
}

#[test]
fn draws_that_cannot_be_are_findings() {
    let found = |axes: &str, more: &str, wants: &[&str]| world(axes, more).findings(wants);
    let no_id = found("  drawn: {draw: price, n: 1, by: uniform}", "", &["item", "drawn.price"]);
    assert!(no_id[0].starts_with("E0454: `price` cannot be drawn"), "{no_id:?}");
    let rare = drawn("  drawn: {draw: item, n: 1, by: uniform}");
    let rare = World { spec: rare.spec.replace("{type: id, min_count: 1", "{type: id, min_count: 99"), dir: rare.dir };
    let rare = rare.findings(&["item", "drawn.item"]);
    assert!(rare[0].starts_with("E0513: there is no `item` to be drawn"), "{rare:?}");
    let kept = found("", ", negatives: {n: 3, of: item, by: uniform}", &["item", "price"]);
    assert!(kept[0].starts_with("E0454: `price` is of the item, and `negatives` do not draw it"), "{kept:?}");
}
