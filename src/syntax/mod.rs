//! YAML to a spanned, typed [`spec::Spec`].
//!
//! The way of a text: `yaml` makes a tree of nodes with places, `extend` merges it onto the files it extends, `set` puts `--set` values into it,
//! `read` turns it into the spec and fills in the constants of `let` on the way.

mod constant;
mod extend;
mod node;
pub mod print;
mod read;
mod scalar;
mod set;
pub mod spec;
mod swallow;
mod yaml;

use crate::diag::{Diagnostic, Diags, Sources};
use extend::{Document, Loader};
use spec::{BlockSpec, Spec};
use std::path::{Path, PathBuf};

/// Reads a spec, the files it extends, and the `--set a.b=c` arguments on top.
///
/// The spec comes also with errors, as long as there is one to go on with, so that later stages can add their findings; what could not be read is
/// listed in [`Spec::broken`]. Whether to go on is for [`Diags::has_errors`] to say.
pub fn load(path: &Path, sets: &[String], sources: &mut Sources, diags: &mut Diags) -> Option<Spec> {
    match extend::read_file(path) {
        Ok(text) => {
            let base = path.parent().unwrap_or(Path::new(""));
            load_text(&path.display().to_string(), &text, base, sets, sources, diags)
        }
        Err(why) => {
            diags.push(Diagnostic::new("E0107", format!("`{}` cannot be read: {why}", path.display())));
            None
        }
    }
}

/// Reads a spec from a text. `name` is what errors call it; `base` is the directory that its paths start from.
pub fn load_text(
    name: &str,
    text: &str,
    base: &Path,
    sets: &[String],
    sources: &mut Sources,
    diags: &mut Diags,
) -> Option<Spec> {
    let spec = merged(name, text, base, sets, sources, diags);
    diags.sort();
    spec
}

fn merged(
    name: &str,
    text: &str,
    base: &Path,
    sets: &[String],
    sources: &mut Sources,
    diags: &mut Diags,
) -> Option<Spec> {
    let file = sources.add(name, text);
    let own = base.join(Path::new(name).file_name().unwrap_or_default());
    let chain = std::fs::canonicalize(own).into_iter().collect();
    let mut loader = Loader { sources, diags, base: base.to_owned(), dirs: Vec::new(), chain };
    let mut root = loader.read(file, text, Path::new(""))?;
    let dirs = loader.dirs;
    for argument in sets {
        set::set(&mut root, argument, sources, diags);
    }
    let stem = Path::new(name).file_stem().map_or_else(|| name.to_owned(), |stem| stem.to_string_lossy().into_owned());
    read::spec(&Document { root, dirs }, &stem, PathBuf::from(base), diags)
}

/// Reads a library of blocks: a text with `blocks:` and nothing else.
pub fn load_blocks(name: &str, text: &str, sources: &mut Sources, diags: &mut Diags) -> Vec<BlockSpec> {
    let file = sources.add(name, text);
    match yaml::read(file, text, 0, diags) {
        Some(root) => read::blocks(&root, &[], diags),
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
