//! DIN's mini-batch aware regularisation, against equation 7 by hand.

use std::path::Path;

use specrec::diag::{Diags, Sources};
use specrec::exec::candle::Schedule;
use specrec::exec::feed::Column;
use specrec::ir::graph::Graph;
use specrec::pass::{Goal, instantiate};

use crate::both::{feed, step, weights};

fn gradients(path: &str) -> Graph {
    let (mut sources, mut diags) = (Sources::default(), Diags::default());
    let spec = specrec::syntax::load(Path::new(path), &[], &mut sources, &mut diags).unwrap();
    let program = specrec::lower::lower(&spec, &mut sources, &mut diags).unwrap();
    instantiate(&program.graph, Goal::Gradients, None).unwrap()
}

#[test]
fn each_row_of_the_batch_is_decayed_once_and_a_frequent_one_less() {
    let (plain, decayed) = (gradients("specs/din.yaml"), gradients("specs/din_regularised.yaml"));
    let mut given = weights(&decayed);
    for (row, count) in given.get_mut("movie.count").unwrap().numbers_mut().iter_mut().enumerate() {
        *count = (row + 1) as f32;
    }
    let table = given.get("movie").unwrap().clone();
    let (_, without) = step(&plain, &given, &feed(&plain, 7), &Schedule::new());
    let (_, with) = step(&decayed, &given, &feed(&decayed, 7), &Schedule::new());
    let (Column::F32(without), Column::F32(with)) = (&without["d.movie"], &with["d.movie"]) else { panic!() };
    // Distinct rows stand in rising order.
    let mut named: Vec<u32> = feed(&plain, 7)
        .columns
        .iter()
        .filter(|(name, _)| *name == "movie" || *name == "history.movie")
        .flat_map(|(_, ids)| if let Column::U32(ids) = ids { ids.clone() } else { Vec::new() })
        .collect();
    named.sort_unstable();
    named.dedup();
    assert_eq!(with.len(), named.len() * table.width());
    for (at, &row) in named.iter().enumerate() {
        for column in 0..table.width() {
            let place = at * table.width() + column;
            let decay = 0.01 * table.numbers()[row as usize * table.width() + column] / (row + 1) as f32;
            let found = with[place] - without[place];
            assert!((found - decay).abs() < 1e-6, "row {row}: {found}, by hand {decay}");
        }
    }
}
