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
//! | [`train`] | all of these | a run directory, and scores from it |
//!
//! Each stage adds what it finds wrong to [`diag::Diags`], and goes on as far as it can. The command line, [`cli`], says
//! nothing that the functions below cannot.
//!
//! ```no_run
//! use specrec::diag::{Diags, Sources};
//! use specrec::train::{open, run};
//!
//! struct Silent;
//! impl specrec::train::fit::Observer for Silent {}
//!
//! let (mut sources, mut diags) = (Sources::default(), Diags::default());
//! let compiled = specrec::compile("specs/din.yaml".as_ref(), &[], &mut sources, &mut diags);
//! if let Some((spec, program)) = compiled {
//!     let options = run::Options::default();
//!     if let Some(outcome) = run::train(&spec, &program, &options, &mut Silent, &mut diags) {
//!         let trained = open::open(&outcome.dir, &mut sources, &mut diags);
//!     }
//! }
//! println!("{}", specrec::diag::render::render_all(diags.list(), &sources, false));
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

/// Reads, checks and lowers a spec, with `--set key=value` arguments on top; everything that can be known without data.
/// None if a finding is an error.
pub fn compile(
    path: &Path,
    sets: &[String],
    sources: &mut diag::Sources,
    diags: &mut diag::Diags,
) -> Option<(syntax::spec::Spec, lower::Program)> {
    let spec = syntax::load(path, sets, sources, diags)?;
    let program = lower::lower(&spec, sources, diags);
    diags.sort();
    let program = program.filter(|_| !diags.has_errors())?;
    Some((spec, program))
}
