//! YAML text to a [`Node`] tree: one document, unique keys, exact places.
//!
//! The events come from the parser under serde-saphyr. Its serde layer was not taken, since places get lost inside enums and flattened maps there,
//! and since it stops at the first error.

use super::node::{Entry, Node, NodeKind, Scalar};
use super::{scalar, swallow};
use crate::diag::offset::OffsetMap;
use crate::diag::{Diagnostic, Diags, FileId, Span};
use serde_yaml::granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, StructureStyle, options};
use std::collections::BTreeMap;

/// Most values of a document, aliases counted as often as they are used.
const MAX_NODES: usize = 1_000_000;

/// Deepest nesting of maps and lists.
const MAX_NESTING: usize = 64;

/// Reads one document. `text` stands at `offset` of the file. None if the text is no YAML; findings are in `diags` then.
pub(super) fn read(file: FileId, text: &str, offset: usize, diags: &mut Diags) -> Option<Node> {
    let options = options! {
        emit_comments: false,
        disallow_directives: true,
        flow_nesting_limit: MAX_NESTING,
        block_nesting_limit: MAX_NESTING,
    };
    let mut tree = Tree { file, text, offset, open: Vec::new(), anchors: BTreeMap::new(), nodes: 0, root: None, diags };
    let mut documents = 0;
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, at) = match event {
            Ok(event) => event,
            Err(error) => {
                tree.refuse(&error);
                return None;
            }
        };
        let range = at.byte_range().unwrap_or(0..0);
        match event {
            Event::DocumentStart(..) => {
                documents += 1;
                if documents > 1 {
                    let help = "a spec is one document: `extends` takes in another file";
                    tree.unsupported("a second document", tree.span(range.start, range.end), help);
                    break;
                }
            }
            Event::Scalar(value, style, anchor, tag) => {
                tree.no_tag(tag.is_some(), range.start, range.end);
                let node = tree.scalar(&value, style, range.start, range.end);
                tree.close(node, anchor, Extent::default())?;
            }
            Event::SequenceStart(style, anchor, tag) => {
                tree.no_tag(tag.is_some(), range.start, range.end);
                tree.open.push(Open::new(Kind::Seq(Vec::new()), style, anchor, range.start));
            }
            Event::MappingStart(style, anchor, tag) => {
                tree.no_tag(tag.is_some(), range.start, range.end);
                tree.open.push(Open::new(Kind::Map(Vec::new(), None), style, anchor, range.start));
            }
            Event::SequenceEnd | Event::MappingEnd => tree.end(range.end)?,
            Event::Alias(id) => {
                let span = tree.span(range.start, range.end);
                match tree.anchors.get(&id).map(|(_, extent)| *extent) {
                    Some(extent) => tree.repeat(id, span, extent)?,
                    None => tree.unsupported(
                        "an alias inside its own value",
                        span,
                        "an alias stands after the value it names",
                    ),
                }
            }
            _ => {}
        }
    }
    let nothing = || scalar_node(file, "", offset);
    Some(tree.root.unwrap_or_else(nothing))
}

struct Tree<'a> {
    file: FileId,
    text: &'a str,
    offset: usize,
    open: Vec<Open>,
    anchors: BTreeMap<usize, (Node, Extent)>,
    nodes: usize,
    root: Option<Node>,
    diags: &'a mut Diags,
}

/// How much a value holds: aliases repeat values, so neither follows from the length of the text.
#[derive(Clone, Copy, Default)]
struct Extent {
    values: usize,
    levels: usize,
}

/// A map or list whose end has not come yet.
struct Open {
    kind: Kind,
    flow: bool,
    anchor: usize,
    start: usize,
    extent: Extent,
}

enum Kind {
    Seq(Vec<Node>),
    /// Entries, and the key whose value has not come yet.
    Map(Vec<Entry>, Option<(Scalar, Span)>),
}

impl Open {
    fn new(kind: Kind, style: StructureStyle, anchor: usize, start: usize) -> Self {
        Self { kind, flow: style == StructureStyle::Flow, anchor, start, extent: Extent::default() }
    }

    /// The values so far, newest first.
    fn values(&self) -> Box<dyn Iterator<Item = &Node> + '_> {
        match &self.kind {
            Kind::Seq(items) => Box::new(items.iter().rev()),
            Kind::Map(entries, _) => Box::new(entries.iter().rev().map(|entry| &entry.value)),
        }
    }
}

impl Tree<'_> {
    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, self.offset + start, self.offset + end)
    }

    fn scalar(&self, value: &str, style: ScalarStyle, start: usize, end: usize) -> Node {
        let source = self.text.get(start..end).unwrap_or("");
        let plain = style == ScalarStyle::Plain;
        if plain && source.is_empty() {
            return scalar_node(self.file, "", self.offset + start);
        }
        let place = self.offset + start;
        let map = match style {
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => scalar::quoted(self.file, value, source, place),
            _ => scalar::unquoted(self.file, value, source, place),
        };
        let span = self.span(start, start + source.trim_end().len());
        Node { kind: NodeKind::Scalar(Scalar { text: value.to_owned(), plain, map }), span }
    }

    /// Ends the innermost open map or list.
    fn end(&mut self, end: usize) -> Option<()> {
        let Some(open) = self.open.pop() else { return Some(()) };
        // A block ends where its last value does; the event stands at the next token, after comments and blank lines.
        let last = open.values().next().map_or(self.offset + open.start, |node| node.span.end as usize);
        let span =
            if open.flow { self.span(open.start, end) } else { Span::new(self.file, self.offset + open.start, last) };
        let kind = match open.kind {
            Kind::Seq(mut items) => {
                if open.flow {
                    swallow::mend_list(&mut items, self.file, self.text, self.offset, self.diags);
                }
                NodeKind::Seq(items)
            }
            Kind::Map(mut entries, _) => {
                if open.flow {
                    swallow::mend_map(&mut entries, self.file, self.text, self.offset, self.diags);
                }
                self.no_duplicates(&mut entries);
                NodeKind::Map(entries)
            }
        };
        self.close(Node { kind, span }, open.anchor, open.extent)
    }

    /// Puts a copy of an anchored value where its alias stands.
    fn repeat(&mut self, id: usize, span: Span, extent: Extent) -> Option<()> {
        self.nodes += extent.values;
        self.within_limits(span, extent)?;
        let node = self.anchors.get(&id).map(|(node, _)| Node { span, ..node.clone() })?;
        self.close(node, 0, extent)
    }

    fn within_limits(&mut self, span: Span, extent: Extent) -> Option<()> {
        let (what, help) = if self.nodes > MAX_NODES {
            (format!("a document of more than {MAX_NODES} values"), "a spec describes data; it does not hold it")
        } else if self.open.len() + extent.levels > 2 * MAX_NESTING {
            ("a value nested this deep".to_owned(), "a spec needs no more than six levels")
        } else {
            return Some(());
        };
        self.unsupported(&what, span, help);
        None
    }

    /// Puts a finished value where it belongs; none once there are too many.
    fn close(&mut self, node: Node, anchor: usize, extent: Extent) -> Option<()> {
        self.nodes += 1;
        self.within_limits(node.span, extent)?;
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), extent));
        }
        if let Some(open) = self.open.last_mut() {
            open.extent.values += extent.values + 1;
            open.extent.levels = open.extent.levels.max(extent.levels + 1);
        }
        match self.open.last_mut().map(|open| &mut open.kind) {
            None => self.root = Some(node),
            Some(Kind::Seq(items)) => items.push(node),
            Some(Kind::Map(entries, key)) => match (key.take(), node.kind) {
                (Some((key, key_span)), kind) => {
                    entries.push(Entry { key, key_span, value: Node { kind, span: node.span } })
                }
                (None, NodeKind::Scalar(scalar)) => *key = Some((scalar, node.span)),
                (None, _) => {
                    *key =
                        Some((Scalar { text: String::new(), plain: true, map: OffsetMap::new(self.file) }, node.span));
                    // A swallowed comma is reported as such, when its map ends or cannot go on.
                    let swallowed = entries.last().is_some_and(|entry| swallow::is_open(&entry.value));
                    if !swallowed {
                        self.unsupported(
                            "a key that is a map or a list",
                            node.span,
                            "a key is a name; a `{` or `[` at the start of a text goes into quotes",
                        );
                    }
                }
            },
        }
        Some(())
    }

    fn no_duplicates(&mut self, entries: &mut Vec<Entry>) {
        let mut seen = BTreeMap::<String, Span>::new();
        let diags = &mut *self.diags;
        entries.retain(|entry| match seen.get(&entry.key.text) {
            None => {
                seen.insert(entry.key.text.clone(), entry.key_span);
                true
            }
            Some(first) => {
                let title = format!("key `{}` stands twice in one map", entry.key.text);
                diags.push(
                    Diagnostic::new("E0103", title)
                        .at(entry.key_span, "")
                        .at(*first, "first here")
                        .help("remove one of them, or rename it"),
                );
                false
            }
        });
    }

    fn no_tag(&mut self, tagged: bool, start: usize, end: usize) {
        if tagged {
            self.unsupported(
                "a tag (`!name`)",
                self.span(start, end),
                "a text that starts with `!` goes into quotes; `not` is the negation",
            );
        }
    }

    fn unsupported(&mut self, what: &str, span: Span, help: &str) {
        self.diags.push(Diagnostic::new("E0121", format!("{what} is not read")).at(span, "").help(help));
    }

    /// Turns the parser's error into a finding.
    fn refuse(&mut self, error: &ScanError) {
        let swallowed =
            self.open.iter().rev().filter(|open| open.flow).flat_map(Open::values).find(|node| swallow::is_open(node));
        if let Some(finding) = swallowed.and_then(|node| swallow::finding(node, self.file, self.text, self.offset)) {
            self.diags.push(finding);
            return;
        }
        let at = error.marker().byte_offset().unwrap_or(0).min(self.text.len());
        let next = self.text.get(at..).and_then(|rest| rest.chars().next()).filter(|c| !matches!(c, '\n' | '\r'));
        let (title, help) = in_words(error);
        let finding = Diagnostic::new("E0101", title).at(self.span(at, at + next.map_or(0, char::len_utf8)), "");
        self.diags.push(if help.is_empty() { finding } else { finding.help(help) });
    }
}

/// The parser's commoner errors in the words of a spec.
fn in_words(error: &ScanError) -> (String, &'static str) {
    let (title, help) = match error.kind() {
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement => (
            "`:` cannot stand here",
            "entries of one map are indented alike; a text or an expression that holds `: ` goes into quotes",
        ),
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart => ("a tab stands where only spaces may", "indent with spaces"),
        ErrorKind::InvalidTrailingDoubleQuotedScalar | ErrorKind::InvalidTrailingSingleQuotedScalar => (
            "text goes on after the closing quote",
            "an expression that starts with a quote goes into quotes as a whole: `'\"pv\" == act'`",
        ),
        ErrorKind::UnclosedQuotedScalar => {
            ("the quote is never closed", "close it, or write the quote itself as `''` inside `'...'`")
        }
        ErrorKind::UnclosedFlowCollection { open } if *open == '[' => ("`[` is never closed", "close it with `]`"),
        ErrorKind::UnclosedFlowCollection { .. } | ErrorKind::UnexpectedEofFlowMapping => {
            ("`{` is never closed", "close it with `}`")
        }
        ErrorKind::UnknownAnchor => {
            ("the alias names no anchor", "a text that starts with `*` goes into quotes; constants stand under `let`")
        }
        ErrorKind::UnknownQuotedScalarEscape => {
            ("unknown escape in a double-quoted text", "write the backslash twice, or use single quotes")
        }
        ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::InvalidIndentation
        | ErrorKind::SimpleKeyExpected
        | ErrorKind::InvalidSimpleKey => {
            ("expected `key: value`", "entries of one map are indented alike, and every key ends with `: `")
        }
        ErrorKind::RecursionLimitExceeded => {
            ("maps and lists are nested too deep", "a spec needs no more than six levels")
        }
        ErrorKind::UnexpectedCharacter { .. } | ErrorKind::ExpectedNodeContent => {
            ("a value cannot start with this character", "put the text or expression into quotes")
        }
        ErrorKind::DirectiveDisallowed => ("a line cannot start with `%`", "a spec needs no YAML directive"),
        _ => return (format!("this is not YAML: {}", error.info()), ""),
    };
    (title.to_owned(), help)
}

fn scalar_node(file: FileId, text: &str, at: usize) -> Node {
    let map = OffsetMap::straight(file, at, text.len());
    Node {
        kind: NodeKind::Scalar(Scalar { text: text.to_owned(), plain: true, map }),
        span: Span::new(file, at, at + text.len()),
    }
}
