//! specrec: a compiler for attention-based recommender models.
//!
//! A spec is a YAML file; the stages that it goes through are the modules of this crate, in this order:
//!
//! | stage | from | to |
//! |---|---|---|
//! | [`syntax`], [`expr`] | text | a typed spec with the place of every part |
//! | [`lower`], [`block`] | spec | a typed graph of the model ([`ir`], of the primitives in [`prim`]) |
//! | [`pass`] | model graph | graphs of training, evaluation and prediction |
//! | [`exec`] | graph | a plan, and steps of it on the host or on Candle |
//! | [`data`] | files | vocabularies, histories, batches |
//! | [`mod@train`] | all of these | a run directory, and scores from it |
//!
//! Each stage adds what it finds wrong to [`diag::Diags`], and goes on as far as it can. The command line, [`cli`], says
//! nothing that the functions below cannot: [`compile`], [`train()`], [`open`], and then [`Trained::evaluate`] and
//! [`Trained::predictor`]. `examples/embed.rs` is a whole program.
//!
//! ```no_run
//! use specrec::diag::{Diags, Sources, render::render_all};
//! use specrec::{Backend, Options};
//!
//! let (mut sources, mut diags) = (Sources::default(), Diags::default());
//! if let Some(compiled) = specrec::compile("specs/din.yaml".as_ref(), &[], &mut sources, &mut diags)
//!     && let Some(outcome) = specrec::train(&compiled, &Options::default(), &mut (), &mut diags)
//!     && let Some(trained) = specrec::open(&outcome.dir, &mut sources, &mut diags)
//!     && let Some(mut predictor) = trained.predictor(&Backend::default(), &mut diags)
//! {
//!     predictor.score("rows.csv".as_ref(), &[], &mut |_, scores| Ok(println!("{scores:?}")), &mut diags);
//! }
//! println!("{}", render_all(diags.list(), &sources, false));
//! ```
#![deny(unsafe_op_in_unsafe_fn)]

pub mod block;
pub mod cli;
pub mod data;
pub mod diag;
pub mod exec;
pub mod expr;
pub mod ir;
pub mod lower;
pub mod pass;
pub mod prim;
pub mod syntax;
pub mod train;

use std::path::Path;

pub use train::engine::Backend;
pub use train::fit::Observer;
pub use train::open::{Trained, open};
pub use train::predict::Predictor;
pub use train::run::{Options, Outcome};

use diag::{Diags, Sources};

/// A spec without errors, and what it was compiled to.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The spec, `extends` and settings resolved. `spec.train.seed` and the like may still be changed.
    pub spec: syntax::spec::Spec,
    /// Its model graph, tables and metrics.
    pub program: lower::Program,
}

/// Reads, checks and lowers a spec, with `--set key=value` arguments on top; everything that can be known without data.
/// None if a finding is an error.
pub fn compile(path: &Path, sets: &[String], sources: &mut Sources, diags: &mut Diags) -> Option<Compiled> {
    let spec = syntax::load(path, sets, sources, diags)?;
    let program = lower::lower(&spec, sources, diags);
    let wants = program.as_ref().map(|program| train::wants(&[&program.graph]));
    let mut of_data = Diags::default();
    data::check(&spec, wants, &mut of_data);
    diags.extend_elsewhere(of_data);
    diags.sort();
    let program = program.filter(|_| !diags.has_errors())?;
    Some(Compiled { spec, program })
}

/// Reads the data of a spec, trains, validates, and measures the best weights on the test part; what [`open`] needs stands
/// in the run directory afterwards. `observer` is told how it goes and may stop it; `()` is one that does neither. None,
/// with findings, if something is wrong.
pub fn train(
    compiled: &Compiled,
    options: &Options,
    observer: &mut dyn Observer,
    diags: &mut Diags,
) -> Option<Outcome> {
    train::run::train(&compiled.spec, &compiled.program, options, observer, diags)
}
