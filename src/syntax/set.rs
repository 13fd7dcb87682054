//! `--set a.b.c=value`: puts a value at any key of a spec, constants under `let` included.

use super::extend;
use super::node::{Entry, Node, NodeKind, Scalar};
use super::yaml;
use crate::diag::offset::OffsetMap;
use crate::diag::{Diagnostic, Diags, Sources, Span};

/// Applies one `--set` argument to a spec.
pub(super) fn set(root: &mut Node, argument: &str, sources: &mut Sources, diags: &mut Diags) {
    let file = sources.add("--set", argument);
    let whole = Span::new(file, 0, argument.len());
    let Some((path, value)) = argument.split_once('=').filter(|(path, _)| !path.trim().is_empty()) else {
        let finding = Diagnostic::new("E0115", format!("`--set {argument}` gives no value"))
            .at(whole, "expected `key.key=value`");
        diags.push(finding.help("for example `--set train.optimizer.lr=0.01`"));
        return;
    };
    let Some(value) = yaml::read(file, value, path.len() + 1, diags) else { return };
    if path == "extends" {
        diags.push(
            Diagnostic::new("E0115", "`extends` cannot be set").at(whole, "").help("extend both files in a third one"),
        );
        return;
    }
    let keys = keys(path);
    let mut node = root;
    let mut reached = String::new();
    for (position, (at, key)) in keys.iter().enumerate() {
        let key_span = Span::new(file, *at, at + key.len());
        let (found, place) = (node.found(), node.span);
        let NodeKind::Map(entries) = &mut node.kind else {
            let finding = Diagnostic::new("E0115", format!("`{reached}` is no map, so it has no `{key}`"));
            diags.push(
                finding
                    .at(key_span, "")
                    .at(place, format!("{found} here"))
                    .help(format!("set `{reached}` as a whole: `--set '{reached}={{...}}'`")),
            );
            return;
        };
        let scalar = Scalar { text: (*key).to_owned(), plain: true, map: OffsetMap::straight(file, *at, key.len()) };
        if position + 1 == keys.len() {
            extend::put(entries, Entry { key: scalar, key_span, value });
            return;
        }
        let index = entries.iter().position(|entry| entry.key.text == *key).unwrap_or_else(|| {
            let value = Node { kind: NodeKind::Map(Vec::new()), span: key_span };
            entries.push(Entry { key: scalar, key_span, value });
            entries.len() - 1
        });
        let Some(entry) = entries.get_mut(index) else { return };
        node = &mut entry.value;
        reached = if reached.is_empty() { (*key).to_owned() } else { format!("{reached}.{key}") };
    }
}

/// The keys of a path and their offsets. Two dots beside each other belong to a key, `C1..C26`.
fn keys(path: &str) -> Vec<(usize, &str)> {
    let bytes = path.as_bytes();
    let is_dot = |at: usize| bytes.get(at) == Some(&b'.');
    let mut keys = Vec::new();
    let mut start = 0;
    for at in 0..=path.len() {
        let alone = is_dot(at) && !is_dot(at + 1) && !(at > 0 && is_dot(at - 1));
        if at == path.len() || alone {
            keys.push((start, path.get(start..at).unwrap_or("")));
            start = at + 1;
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::FileId;

    #[test]
    fn a_path_parts_at_single_dots() {
        assert_eq!(keys("train.optimizer.lr"), [(0, "train"), (6, "optimizer"), (16, "lr")]);
        assert_eq!(keys("features.C1..C26.dim"), [(0, "features"), (9, "C1..C26"), (17, "dim")]);
    }

    #[test]
    fn values_reach_any_depth_and_null_removes() {
        let (mut sources, mut diags) = (Sources::default(), Diags::default());
        let mut root = yaml::read(FileId(0), "a: {b: 1, c: 2}\n", 0, &mut diags).unwrap();
        for argument in ["a.b=5", "a.c=~", "x.y.z=[1, 2]"] {
            set(&mut root, argument, &mut sources, &mut diags);
        }
        assert_eq!(root.get("a").and_then(|a| a.get("b")).and_then(Node::text), Some("5"));
        assert!(root.get("a").unwrap().get("c").is_none());
        assert!(matches!(root.get("x").unwrap().get("y").unwrap().get("z").unwrap().kind, NodeKind::Seq(_)));
        assert!(diags.list().is_empty());
        for argument in ["a.b.c=1", "nothing", "extends=x"] {
            set(&mut root, argument, &mut sources, &mut diags);
        }
        assert_eq!(diags.list().iter().map(|finding| finding.code).collect::<Vec<_>>(), ["E0115"; 3]);
    }
}
