//! Every block of the library is in something that is held against PyTorch, itself or as a part of another block.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use specrec::diag::{Diags, Sources};

use super::{TRAINING, cases};

/// The blocks of the library, each with the text of its body.
fn library() -> BTreeMap<String, String> {
    let mut blocks = BTreeMap::new();
    let files = std::fs::read_dir("specs/blocks").unwrap().map(|file| file.unwrap().path());
    for path in files.collect::<BTreeSet<PathBuf>>() {
        let text = std::fs::read_to_string(path).unwrap();
        let mut own: Option<(String, String)> = None;
        for line in text.lines() {
            let indented = line.len() - line.trim_start().len();
            if indented == 2 && !line.trim_start().starts_with('#') {
                blocks.extend(own.take());
                own = line.trim().split_once('(').map(|(name, _)| (name.to_owned(), String::new()));
            } else if let (Some((_, body)), 4..) = (&mut own, indented) {
                body.push_str(line);
            }
        }
        blocks.extend(own);
    }
    blocks
}

/// Whether a text calls a block or hands it to `repeat`, `scan` or an activation.
fn names(text: &str, block: &str) -> bool {
    let part = |letter: char| letter.is_alphanumeric() || letter == '_';
    text.split(|letter: char| !part(letter)).any(|word| word == block)
}

#[test]
fn every_block_of_the_library_is_held() {
    let (mut held, mut texts) = (BTreeSet::new(), String::new());
    let groups = cases::GROUPS.iter().flat_map(|(common, cases)| cases.iter().map(move |case| (*common, case)));
    for (common, (_, spec, sets)) in groups.chain(TRAINING.iter().map(|case| (&[][..], case))) {
        let sets: Vec<String> = common.iter().chain(*sets).map(|set| (*set).to_owned()).collect();
        let (mut sources, mut diags) = (Sources::default(), Diags::default());
        let spec = specrec::syntax::load(Path::new(spec), &sets, &mut sources, &mut diags).unwrap();
        texts.push_str(&specrec::syntax::print::print(&spec));
    }
    let library = library();
    while let Some(block) = library.keys().find(|block| !held.contains(*block) && names(&texts, block)) {
        texts.push_str(&library[block]);
        held.insert(block.clone());
    }
    let missing: Vec<&String> = library.keys().filter(|block| !held.contains(*block)).collect();
    assert!(library.len() > 30 && missing.is_empty(), "no fixture holds {missing:?}");
}
