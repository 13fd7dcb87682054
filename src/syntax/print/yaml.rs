//! The little of YAML that a printed spec needs: maps in block style, lists in flow style, one scalar a line.

use crate::expr::ast::{Expr, Ident};
use crate::syntax::spec::Named;

/// A value to print; scalars are YAML already.
pub(super) enum Yaml {
    Scalar(String),
    List(Vec<Yaml>),
    Map(Map),
}

/// A map in order; entries without content are left out.
#[derive(Default)]
pub(super) struct Map {
    entries: Vec<(String, Yaml)>,
}

impl From<Map> for Yaml {
    fn from(map: Map) -> Self {
        Yaml::Map(map)
    }
}

impl Map {
    pub(super) fn put(&mut self, key: &str, value: Yaml) {
        if !matches!(&value, Yaml::Map(map) if map.entries.is_empty()) {
            self.entries.push((key.to_owned(), value));
        }
    }

    /// Puts an entry under a key that is YAML already.
    pub(super) fn put_key(&mut self, key: String, value: Yaml) {
        self.entries.push((key, value));
    }

    pub(super) fn maybe<T>(&mut self, key: &str, value: Option<&T>, yaml: impl FnOnce(&T) -> Yaml) {
        if let Some(value) = value {
            self.put(key, yaml(value));
        }
    }

    pub(super) fn unless(&mut self, default: bool, key: &str, yaml: impl FnOnce() -> Yaml) {
        if !default {
            self.put(key, yaml());
        }
    }

    /// The map, or `{}` if nothing is in it: an entry whose presence says something.
    pub(super) fn or_braces(self) -> Yaml {
        if self.entries.is_empty() { Yaml::Scalar("{}".to_owned()) } else { self.into() }
    }

    pub(super) fn document(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, 0);
        out
    }

    fn write(&self, out: &mut String, indent: usize) {
        for (key, value) in &self.entries {
            out.push_str(&" ".repeat(indent));
            out.push_str(key);
            out.push(':');
            match value {
                Yaml::Map(map) => {
                    out.push('\n');
                    map.write(out, indent + 2);
                }
                other => {
                    out.push(' ');
                    other.flow(out);
                    out.push('\n');
                }
            }
        }
    }
}

impl Yaml {
    fn flow(&self, out: &mut String) {
        match self {
            Yaml::Scalar(text) => out.push_str(text),
            Yaml::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { ", " });
                    item.flow(out);
                }
                out.push(']');
            }
            // No list of a spec holds maps.
            Yaml::Map(map) => out.push_str(&map.document()),
        }
    }
}

pub(super) fn number(value: f64) -> Yaml {
    Yaml::Scalar(crate::expr::print::number(value))
}

/// A name or text in which `{name}` would be a constant.
pub(super) fn word(text: &str) -> Yaml {
    let text = brace(text);
    if is_plain_word(&text) { Yaml::Scalar(text) } else { quoted(&text) }
}

pub(super) fn words(names: &[Ident]) -> Yaml {
    Yaml::List(names.iter().map(|name| word(&name.name)).collect())
}

/// Braces written so that none of them is a constant.
pub(super) fn brace(text: &str) -> String {
    text.replace('{', "{{")
}

/// A key; keys hold no constants.
pub(super) fn key(text: &str) -> String {
    let plain = starts_plain(text) && goes_on_plain(text) && !matches!(text, "~" | "null" | "<<");
    if plain { text.to_owned() } else { escaped(text) }
}

/// A text in double quotes.
pub(super) fn quoted(text: &str) -> Yaml {
    Yaml::Scalar(escaped(text))
}

/// An expression, plain if it can be.
pub(super) fn expr(expr: &Expr) -> Yaml {
    let text = expr.to_string();
    let plain = starts_plain(&text) && goes_on_plain(&text) && text != "null";
    Yaml::Scalar(if plain { text } else { escaped(&text) })
}

pub(super) fn exprs(entries: &[Named<Expr>]) -> Yaml {
    let mut map = Map::default();
    for entry in entries {
        map.put_key(key(&entry.name.name), expr(&entry.value));
    }
    map.into()
}

fn is_plain_word(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-' | '*' | '=');
    let starts = text.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/'));
    let spaced = text.split(' ').all(|word| !word.is_empty() && word.chars().all(fits));
    starts && spaced && text != "null"
}

/// Whether a plain scalar may start like this in block style.
fn starts_plain(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '(' | '.' | '/'))
        || text.starts_with('-') && text.chars().nth(1).is_some_and(|c| c.is_alphanumeric() || c == '(')
}

/// Whether nothing in a text ends a plain scalar in block style or changes in it.
fn goes_on_plain(text: &str) -> bool {
    let ends = text.contains(": ") || text.contains(" #") || text.ends_with([':', ' ']);
    let document_mark = text.starts_with("...");
    !ends
        && !document_mark
        && text.chars().all(|c| c == ' ' || !(c.is_control() || c.is_whitespace() || matches!(c, '\u{feff}')))
}

fn escaped(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control()
                || c.is_whitespace() && c != ' '
                || matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}') =>
            {
                out.push_str(&format!("\\U{:08x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
