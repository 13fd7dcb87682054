//! specrec as a library: compiles a spec, trains it for an epoch on `examples/movielens`, and scores rows of its own.
//! Run from the root of the repository: `cargo run --release --example embed`.

use std::process::ExitCode;

use specrec::diag::render::render_all;
use specrec::diag::{Diags, Sources};
use specrec::syntax::spec::Part;
use specrec::train::checkpoint::Progress;
use specrec::train::evaluate::Evaluation;
use specrec::train::predict::Score;
use specrec::train::run_dir::Start;
use specrec::{Backend, Observer, Options};

/// A user of the data and three movies: rows as in `ratings.csv`, without what is to be predicted.
const ROWS: &str = "userId,movieId,timestamp\n4,34,1500000000\n4,1721,1500000000\n4,2959,1500000000\n";

/// Says how training goes.
struct Watcher;

impl Observer for Watcher {
    fn validated(&mut self, progress: &Progress, train_loss: f64, evaluation: Option<&Evaluation>, _best: bool) {
        let auc = evaluation.and_then(|evaluation| evaluation.value("auc")).unwrap_or(f64::NAN);
        println!("after step {}: training loss {train_loss:.4}, AUC {auc:.4} in validation", progress.step);
    }
}

fn main() -> ExitCode {
    let (mut sources, mut diags) = (Sources::default(), Diags::default());
    let done = embed(&mut sources, &mut diags);
    eprint!("{}", render_all(diags.list(), &sources, false));
    if done.is_some() && !diags.has_errors() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn embed(sources: &mut Sources, diags: &mut Diags) -> Option<()> {
    let sets = ["train.epochs=1".to_owned()];
    let compiled = specrec::compile("specs/din.yaml".as_ref(), &sets, sources, diags)?;
    let values = compiled.program.graph.values().count();
    println!("`{}` is a graph of {values} values", compiled.spec.name.name);

    let dir = std::env::temp_dir().join("specrec-embed");
    let options = Options { dir: Some(dir.clone()), start: Start::Force, ..Options::default() };
    let outcome = specrec::train(&compiled, &options, &mut Watcher, diags)?;
    let test = outcome.results.as_ref()?.of(Part::Test)?;
    println!("AUC {:.4} on the test part", test.value("auc")?);

    // From here on the run directory is all that is needed.
    let trained = specrec::open(&outcome.dir, sources, diags)?;
    let mut predictor = trained.predictor(&Backend::default(), diags)?;
    let rows = dir.join("rows.csv");
    std::fs::write(&rows, ROWS).ok()?;
    let mut print = |kept: &[Option<String>], scores: &[Score]| {
        println!("movie {:>4}: {:.4}", kept[0].as_deref().unwrap_or("?"), scores[0]);
        Ok(())
    };
    predictor.score(&rows, &["movieId".to_owned()], &mut print, diags)?;
    // A file that is not the run's would keep it from being replaced the next time.
    std::fs::remove_file(&rows).ok()
}
