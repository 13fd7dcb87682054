//! A YAML document as a tree with the place of every key and value.

use crate::diag::Span;
use crate::diag::offset::OffsetMap;

/// A value of a document.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// What it is.
    pub(super) kind: NodeKind,
    /// Where it stands; an entry without a value stands right after its key.
    pub(super) span: Span,
}

/// The forms of a value.
#[derive(Clone, Debug)]
pub(super) enum NodeKind {
    /// A text in any of the five styles.
    Scalar(Scalar),
    /// A list.
    Seq(Vec<Node>),
    /// A map, in the order of the file; keys are unique.
    Map(Vec<Entry>),
}

/// A text, decoded.
#[derive(Clone, Debug)]
pub(super) struct Scalar {
    /// Unescaped, unfolded.
    pub(super) text: String,
    /// Plain, so that `5`, `true` and `~` are no texts.
    pub(super) plain: bool,
    /// Where each byte of the text stands.
    pub(super) map: OffsetMap,
}

/// An entry of a map.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The key.
    pub(super) key: Scalar,
    /// Where the key stands.
    pub(super) key_span: Span,
    /// The value.
    pub(super) value: Node,
}

impl Node {
    /// Whether it is `~`, `null`, or nothing at all.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.kind, NodeKind::Scalar(scalar) if scalar.plain && matches!(scalar.text.as_str(), "" | "~" | "null"))
    }

    /// What an error calls it.
    pub(super) fn found(&self) -> String {
        match &self.kind {
            NodeKind::Map(_) => "a map".to_owned(),
            NodeKind::Seq(_) => "a list".to_owned(),
            NodeKind::Scalar(_) if self.is_null() => "nothing".to_owned(),
            NodeKind::Scalar(scalar) => match scalar.text.lines().next() {
                Some(line) if line.len() <= 40 && line.len() == scalar.text.trim_end().len() => format!("`{line}`"),
                _ => "a text".to_owned(),
            },
        }
    }

    /// The text of a scalar.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Scalar(scalar) => Some(&scalar.text),
            _ => None,
        }
    }

    /// The entries of a map; none of anything else.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.kind {
            NodeKind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The value at a key of a map.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| entry.key.text == key).map(|entry| &entry.value)
    }
}
