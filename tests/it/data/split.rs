//! Parts, downsampling and weights.

use specrec::syntax::spec::Part;

use super::{World, numbers};

const PARTS: [Part; 3] = [Part::Train, Part::Valid, Part::Test];

/// Rows of each part, by number.
fn parts(world: &World) -> [Vec<u64>; 3] {
    let dataset = world.open(&["item"]);
    PARTS.map(|part| dataset.first(part, 99).map(|batch| batch.feed.ids).unwrap_or_default())
}

fn world(split: &str) -> World {
    let logs = "u,item,t,day\na,x,30,1\nb,y,10,1\na,x,10,2\na,y,20,2\nb,x,40,3\na,z,50,9\n";
    let spec = format!(
        "
sources: {{logs: {{path: logs.csv, time: t}}}}
samples: {{from: logs, split: {split}}}
features: {{item: {{type: id, min_count: 1}}}}
"
    );
    World::new(&[("logs.csv", logs)], &spec)
}

#[test]
fn each_way_to_split_parts_the_rows() {
    assert_eq!(parts(&world("{by: time, parts: [0.5, 0.25, 0.25]}")), [vec![1, 2, 3], vec![0], vec![4, 5]]);
    assert_eq!(parts(&world("{by: leave_one_out, of: u}")), [vec![1, 2, 3, 4], vec![0], vec![5]]);
    assert_eq!(parts(&world("{train: day == 1, valid: day == 2, test: day == 3}")), [vec![1, 0], vec![2, 3], vec![4]]);
    let random = parts(&world("{by: random, of: u, parts: [0.5, 0.5], seed: 3}"));
    assert!(
        random == [vec![2, 3, 0, 5], vec![1, 4], vec![]] || random == [vec![1, 4], vec![2, 3, 0, 5], vec![]],
        "{random:?}"
    );
}

#[test]
fn rows_in_no_part_are_counted_and_are_no_samples() {
    let world = world("{train: day == 1, test: day == 3}");
    assert_eq!(world.open(&["item"]).report().without_part, 3);
}

#[test]
fn files_make_parts() {
    let spec = "
sources: {old: {path: old.csv}, new: {path: new.csv}}
samples: {from: old, labels: {y: y}, split: {train: {from: old}, test: {from: new}}}
features: {item: {type: id, min_count: 1}}
";
    let world = World::new(&[("old.csv", "item,y\na,1\nb,0\n"), ("new.csv", "y,item\n1,b\n0,c\n")], spec);
    let dataset = world.open(&["item", "label y"]);
    let test = dataset.first(Part::Test, 9).unwrap();
    assert_eq!((super::ids(&test, "item"), numbers(&test, "y")), (&[2, 0][..], &[1.0, 0.0][..]));
    assert_eq!(test.feed.ids.len(), 2);
}

#[test]
fn downsampling_keeps_a_share_of_the_train_part_and_weighs_it() {
    let rows: String = (0..2000).map(|row| format!("x,{},{row}\n", u8::from(row % 10 == 0))).collect();
    let spec = "
sources: {logs: {path: logs.csv, time: t}}
samples: {from: logs, labels: {y: y == 1}, split: {by: time, parts: [0.5, 0.5]}, downsample: {where: not y, keep: 0.25}}
features: {item: {type: id, min_count: 1}}
";
    let world = World::new(&[("logs.csv", &format!("item,y,t\n{rows}"))], spec);
    let dataset = world.open(&["item", "label y", "weight"]);
    let train = dataset.first(Part::Train, 9999).unwrap();
    let positives = numbers(&train, "y").iter().filter(|y| **y == 1.0).count();
    assert_eq!(positives, 100, "positives are all kept");
    let negatives = train.feed.samples - positives;
    // 900 draws with probability 1/4: mean 225, standard deviation 13.
    assert!((185..265).contains(&negatives), "{negatives}");
    assert!(
        numbers(&train, "y")
            .iter()
            .zip(numbers(&train, "weight"))
            .all(|(y, weight)| *weight == if *y == 1.0 { 1.0 } else { 4.0 })
    );
    assert_eq!(dataset.report().downsampled as usize, 900 - negatives);
    let valid = dataset.first(Part::Valid, 9999).unwrap();
    assert!(valid.feed.samples == 1000 && numbers(&valid, "weight").iter().all(|weight| *weight == 1.0));
}

#[test]
fn null_labels_are_nan_and_counted() {
    let spec = "
sources: {logs: {path: logs.csv}}
samples: {from: logs, labels: {y: y == 1, z: z}}
features: {item: {type: id, min_count: 1}}
";
    let world = World::new(&[("logs.csv", "item,y,z\na,1,true\na,,0.5\na,0,false\n")], spec);
    let dataset = world.open(&["label y", "label z"]);
    let batch = dataset.first(Part::Train, 9).unwrap();
    assert!(numbers(&batch, "y")[0] == 1.0 && numbers(&batch, "y")[1].is_nan() && numbers(&batch, "y")[2] == 0.0);
    assert_eq!(numbers(&batch, "z"), [1.0, 0.5, 0.0]);
    assert_eq!(dataset.report().parts[0].labels[0].known, 2);
}
