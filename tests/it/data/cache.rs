//! The column cache: equal to no cache, damaged at will, absent where it cannot be.

use std::fs;
use std::path::{Path, PathBuf};

use specrec::data::{Batch, CacheDir, Dataset, Order};
use specrec::syntax::spec::Part;

use super::World;
use super::movielens::open_din;

const SPEC: &str = "
sources: {logs: {path: logs.csv, time: t}}
samples: {from: logs, labels: {y: y == 1}, split: {by: time, parts: [0.5, 0.5]}}
features: {item: {type: ids, separator: '|', min_count: 1}, price: {type: number, scale: zscore}}
axes: {past: {from: logs, by: user, last: 3}}
";
const LOGS: &str = "t,user,item,price,y\n1,a,x,1.5,0\n2,a,y|x,2.5,1\n3,b,z,,0\n4,a,x|z,4,1\n";
const WANTS: [&str; 5] = ["item", "price", "past.item", "past.price", "label y"];

fn everything(dataset: &Dataset) -> Vec<Batch> {
    [Part::Train, Part::Valid, Part::Test]
        .iter()
        .flat_map(|&part| dataset.batches(part, 1000, Order::Sequential, 0).map(Result::unwrap))
        .collect()
}

fn the_file(dir: &Path) -> PathBuf {
    let files: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}

#[test]
fn movielens_reads_the_same_with_and_without_cache() {
    let dir = tempfile::tempdir().unwrap();
    let cache = || CacheDir::At(dir.path().join("deep/down"));
    let without = open_din(CacheDir::Off);
    let (cold, warm) = (open_din(cache()), open_din(cache()));
    the_file(&dir.path().join("deep/down"));
    let expected = everything(&without);
    assert!(everything(&cold) == expected && everything(&warm) == expected);
    assert_eq!((cold.report(), warm.report()), (without.report(), without.report()));
    assert_eq!(warm.rows_of("genres"), without.rows_of("genres"));
}

#[test]
fn a_cut_or_changed_cache_is_written_anew() {
    let world = World::new(&[("logs.csv", LOGS)], SPEC);
    let dir = world.path("cache");
    let cache = || CacheDir::At(dir.clone());
    let expected = everything(&world.open(&WANTS));
    let same = |dataset: &Dataset| everything(dataset) == expected;
    assert!(same(&world.try_open(&WANTS, cache()).0.unwrap()));
    let file = the_file(&dir);
    let whole = fs::read(&file).unwrap();
    for at in (0..whole.len()).step_by(7) {
        fs::write(&file, &whole[..at]).unwrap();
        assert!(same(&world.try_open(&WANTS, cache()).0.unwrap()), "cut at {at}");
        let mut flipped = whole.clone();
        flipped[at] ^= 0x55;
        fs::write(&file, &flipped).unwrap();
        assert!(same(&world.try_open(&WANTS, cache()).0.unwrap()), "changed at {at}");
    }
}

#[test]
fn a_changed_file_spec_or_input_has_a_cache_of_its_own() {
    let world = World::new(&[("logs.csv", LOGS)], SPEC);
    let dir = world.path("cache");
    let count = |world: &World, wants: &[&str]| {
        world.try_open(wants, CacheDir::At(dir.clone())).0.unwrap();
        fs::read_dir(&dir).unwrap().count()
    };
    assert_eq!(count(&world, &WANTS), 1);
    assert_eq!(count(&world, &WANTS), 1);
    assert_eq!(count(&world, &WANTS[..2]), 2, "other inputs");
    let moved = World { dir: world.dir, spec: world.spec.replace("\nfeatures", "\n# a remark\n\nfeatures") };
    assert_eq!(count(&moved, &WANTS), 2, "a remark moves places and changes nothing");
    let other = World { dir: moved.dir, spec: moved.spec.replace("last: 3", "last: 2") };
    assert_eq!(count(&other, &WANTS), 3);
    fs::write(other.path("logs.csv"), format!("{LOGS}5,b,x,1,0\n")).unwrap();
    assert_eq!(count(&other, &WANTS), 4);
}

#[test]
fn where_no_cache_can_be_written_memory_serves() {
    let world = World::new(&[("logs.csv", LOGS), ("cache", "a file, not a directory")], SPEC);
    let (dataset, findings) = world.try_open(&WANTS, CacheDir::At(world.path("cache")));
    assert!(everything(&dataset.unwrap()) == everything(&world.open(&WANTS)));
    assert_eq!(findings.iter().filter(|finding| finding.starts_with("W0502")).count(), 1, "{findings:?}");
}

#[test]
fn findings_of_a_warm_start_are_those_of_a_cold_one() {
    let world = World::new(&[("logs.csv", LOGS)], &SPEC.replace(", min_count: 1", ", min_count: 2"));
    let open = || world.try_open(&WANTS, CacheDir::At(world.path("cache"))).1;
    let cold = open();
    assert!(cold.iter().any(|finding| finding.starts_with("W0501")), "{cold:?}");
    assert_eq!(cold, open());
}
