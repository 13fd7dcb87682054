//! `extends:`: the files a spec builds on, merged beneath it. Maps merge; lists and expressions replace; `key: ~` removes.

use super::node::{Entry, Node, NodeKind};
use super::yaml;
use crate::diag::{Diagnostic, Diags, FileId, Sources, Span};
use std::path::{Path, PathBuf};

/// A spec and all that it extends, as one tree.
pub(super) struct Document {
    /// The merged map.
    pub(super) root: Node,
    /// The directory of each file, as seen from the directory of the first: a path in a file is relative to that file.
    pub(super) dirs: Vec<(FileId, PathBuf)>,
}

/// Reads files beneath a spec.
pub(super) struct Loader<'a> {
    /// Every text read.
    pub(super) sources: &'a mut Sources,
    /// Findings.
    pub(super) diags: &'a mut Diags,
    /// The directory of the first file.
    pub(super) base: PathBuf,
    /// See [`Document::dirs`].
    pub(super) dirs: Vec<(FileId, PathBuf)>,
    /// The files that are being read, outermost first.
    pub(super) chain: Vec<PathBuf>,
}

impl Loader<'_> {
    /// Reads a text and everything that it extends. `dir` is its directory, seen from the base.
    pub(super) fn read(&mut self, file: FileId, text: &str, dir: &Path) -> Option<Node> {
        self.dirs.push((file, dir.to_owned()));
        let mut own = yaml::read(file, text, 0, self.diags)?;
        let NodeKind::Map(entries) = &mut own.kind else {
            let finding = Diagnostic::new("E0104", format!("expected a map, found {}", own.found()));
            self.diags.push(finding.at(own.span, "a spec is a map: `specrec: 1`, `name: ...`, `sources: ...`"));
            return None;
        };
        let Some(at) = entries.iter().position(|entry| entry.key.text == "extends") else { return Some(own) };
        let extends = entries.remove(at).value;
        let mut merged: Option<Node> = None;
        for path in paths(&extends, self.diags) {
            let below = self.file(&path, dir)?;
            merged = Some(match merged {
                None => below,
                Some(base) => merge(base, below),
            });
        }
        Some(match merged {
            None => own,
            Some(base) => merge(base, own),
        })
    }

    fn file(&mut self, (path, span): &(String, Span), dir: &Path) -> Option<Node> {
        let from_base = plain(&dir.join(path));
        let place = plain(&self.base.join(&from_base));
        let identity = std::fs::canonicalize(&place).unwrap_or_else(|_| place.clone());
        if self.chain.contains(&identity) {
            let finding = Diagnostic::new("E0108", format!("`{path}` extends itself")).at(*span, "");
            self.diags.push(finding.help("what two specs share stands in a third one that both extend"));
            return None;
        }
        let text = match read_file(&place) {
            Ok(text) => text,
            Err(why) => {
                let finding =
                    Diagnostic::new("E0107", format!("`{}` cannot be read: {why}", place.display())).at(*span, "");
                self.diags.push(finding.help("a path is relative to the file that holds it"));
                return None;
            }
        };
        let file = self.sources.add(place.display().to_string(), text.as_str());
        self.chain.push(identity);
        let node = self.read(file, &text, from_base.parent().unwrap_or(Path::new("")));
        self.chain.pop();
        node
    }
}

/// A file's text, or why there is none.
pub(super) fn read_file(path: &Path) -> Result<String, String> {
    match std::fs::read(path) {
        Ok(bytes) => {
            String::from_utf8(bytes).map_err(|error| format!("byte {} is not UTF-8", error.utf8_error().valid_up_to()))
        }
        Err(error) => Err(match error.kind() {
            std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
            std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
            std::io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
            _ => error.to_string(),
        }),
    }
}

/// Puts `over` on `base`.
pub(super) fn merge(base: Node, over: Node) -> Node {
    match (base.kind, over.kind) {
        (NodeKind::Map(mut entries), NodeKind::Map(above)) => {
            for entry in above {
                put(&mut entries, entry);
            }
            Node { kind: NodeKind::Map(entries), span: over.span }
        }
        (_, kind) => Node { kind, span: over.span },
    }
}

/// Puts one entry into a map: merged with, in place of, or removing the entry of its key.
pub(super) fn put(entries: &mut Vec<Entry>, entry: Entry) {
    let Some(at) = entries.iter().position(|old| old.key.text == entry.key.text) else {
        entries.push(entry);
        return;
    };
    if entry.value.is_null() {
        entries.remove(at);
        return;
    }
    if let Some(old) = entries.get_mut(at) {
        let base = std::mem::replace(&mut old.value, Node { kind: NodeKind::Seq(Vec::new()), span: entry.key_span });
        *old = Entry { value: merge(base, entry.value), ..entry };
    }
}

/// The value of `extends`: one path or a list of them.
fn paths(node: &Node, diags: &mut Diags) -> Vec<(String, Span)> {
    let items = match &node.kind {
        NodeKind::Seq(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let mut paths = Vec::new();
    for item in items {
        match item.text() {
            Some(text) if !item.is_null() => paths.push((text.to_owned(), item.span)),
            _ => diags.push(
                Diagnostic::new("E0104", format!("expected the path of a spec, found {}", item.found()))
                    .at(item.span, ""),
            ),
        }
    }
    paths
}

/// A path without `.` and without `dir/..`, so that the same file has the same name however it was reached.
pub(super) fn plain(path: &Path) -> PathBuf {
    use std::path::Component;
    let mut out = PathBuf::new();
    for part in path.components() {
        match (part, out.components().next_back()) {
            (Component::CurDir, _) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => {
                out.pop();
            }
            _ => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_path_has_no_detours() {
        for (path, expected) in
            [("specs/../data/./a.csv", "data/a.csv"), ("../../x", "../../x"), ("/a/../b", "/b"), ("./a", "a")]
        {
            assert_eq!(plain(Path::new(path)), Path::new(expected));
        }
    }
}
