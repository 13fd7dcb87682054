//! `runs:` and `blocks:`.

use super::Reader;
use crate::diag::Diagnostic;
use crate::expr::parse;
use crate::syntax::node::{Entry, Node, NodeKind};
use crate::syntax::spec::{BlockSpec, Named, RunSpec};

const RUN: &[&str] = &["run", "value", "along"];

/// A value of another run.
pub(super) fn run(r: &mut Reader<'_>, entry: &Entry) -> Option<RunSpec> {
    let fields = r.map(&entry.value, "a run", entry.key_span, RUN)?;
    let run = r.required(&fields, "run").and_then(|node| r.path(node));
    let value = r.required(&fields, "value").and_then(|node| r.ident(node));
    let along = fields.get("along").and_then(|node| r.ident(node));
    Some(RunSpec { run: run?, value: value?, along })
}

/// All blocks. A block with an error in it is left out, and its name is broken.
pub(super) fn blocks(r: &mut Reader<'_>, node: Option<&Node>) -> Vec<BlockSpec> {
    let Some(node) = node else { return Vec::new() };
    if !matches!(node.kind, NodeKind::Map(_)) {
        r.wrong(node, "a map from signatures to bodies");
    }
    let mut blocks = Vec::<BlockSpec>::new();
    for entry in node.entries() {
        let Some(block) = block(r, entry) else { continue };
        let name = &block.signature.name;
        match blocks.iter().find(|other| other.signature.name.name == name.name) {
            Some(other) => r.push(super::taken(name, other.signature.name.span, "")),
            None => blocks.push(block),
        }
    }
    blocks
}

fn block(r: &mut Reader<'_>, entry: &Entry) -> Option<BlockSpec> {
    let mut signature = match parse::parse_signature(&entry.key.text, &entry.key.map) {
        Ok(signature) => signature,
        Err(finding) => {
            r.push(finding.help("the key of a block is its signature: `gated(query, keys, over, hidden=32)`"));
            return None;
        }
    };
    if !matches!(entry.value.kind, NodeKind::Map(_)) {
        r.wrong(&entry.value, "the body of a block: a map from names to expressions with a `return`");
        r.broken.push(signature.name);
        return None;
    }
    for param in &mut signature.params {
        if let Some(default) = &mut param.default {
            r.constants.substitute(default, &[]);
        }
    }
    // Inside the body a parameter or a value of the block is what its name means, whatever constants there are.
    let params = signature.params.iter().map(|param| param.name.name.as_str());
    let local: Vec<&str> = params.chain(entry.value.entries().iter().map(|entry| entry.key.text.as_str())).collect();
    let before = r.broken.len();
    let body: Vec<Named<_>> = r.named(Some(&entry.value), |r, line| r.expr_except(&line.value, &local));
    let complete = r.broken.len() == before;
    r.broken.truncate(before);
    if entry.value.get("return").is_none() {
        let title = format!("block `{}` returns nothing", signature.name.name);
        r.push(
            Diagnostic::new("E0105", title)
                .at(entry.key_span, "`return` is missing")
                .help("the value named `return` is the result"),
        );
    } else if complete {
        return Some(BlockSpec { signature, body });
    }
    r.broken.push(signature.name);
    None
}
