//! JSON Lines: an object a line; numbers and truth values become texts, arrays become lists, absent keys null.

use serde_json::{Map, Value};

use super::input::Input;
use super::{Chunk, Dialect, Failure, Records};
use crate::data::texts::write_list;

/// Objects read to learn the columns of a file: a key may be absent where it is null.
const SURVEYED: usize = 1000;

/// The unread rows of a file.
pub(crate) struct Jsonl {
    input: Input,
    columns: Vec<String>,
    missing: Vec<String>,
}

impl Jsonl {
    pub(crate) fn new(input: Input, dialect: &Dialect, columns: &[String]) -> Jsonl {
        Jsonl { input, columns: columns.to_vec(), missing: dialect.missing.clone() }
    }
}

impl Records for Jsonl {
    fn read(&mut self, chunk: &mut Chunk) -> Result<bool, Failure> {
        let mut cell = String::new();
        while !chunk.is_full() {
            let line = self.input.line_number();
            let Some((text, bytes)) = self.input.next_line()? else { return Ok(false) };
            let text = &self.input.rest()[text];
            if !text.trim_ascii().is_empty() {
                match object(text) {
                    Err(what) => chunk.broken(line, what),
                    Ok(object) => match self.cells(&object, chunk, &mut cell) {
                        Ok(()) => chunk.row(line),
                        Err(what) => chunk.broken(line, what),
                    },
                }
            }
            self.input.consume(bytes, 1);
        }
        Ok(true)
    }
}

impl Jsonl {
    fn cells(&self, object: &Map<String, Value>, chunk: &mut Chunk, cell: &mut String) -> Result<(), String> {
        for (name, column) in self.columns.iter().zip(&mut chunk.columns) {
            let present = match object.get(name) {
                None | Some(Value::Null) => false,
                Some(Value::Array(values)) => {
                    let elements: Vec<String> = values.iter().map(scalar).collect::<Option<_>>().ok_or_else(|| {
                        format!("expected texts, numbers or truth values in the array `{name}`, found something nested")
                    })?;
                    if !write_list(cell, elements.iter().map(String::as_str)) {
                        return Err(format!("an element of `{name}` holds the control character U+001F"));
                    }
                    true
                }
                Some(value) => {
                    *cell = scalar(value)
                        .ok_or_else(|| format!("expected a value or an array in `{name}`, found an object"))?;
                    !self.missing.iter().any(|missing| missing == cell)
                }
            };
            column.push(present.then_some(cell.as_str()));
        }
        Ok(())
    }
}

fn object(line: &[u8]) -> Result<Map<String, Value>, String> {
    serde_json::from_slice(line).map_err(|error| {
        // The parser counts lines from its own beginning, which is always 1 here.
        let fact = error.to_string();
        let fact = fact.split(" at line ").next().unwrap_or(&fact);
        format!("expected a JSON object: {fact} at column {}", error.column())
    })
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(value) => Some(value.to_string()),
        Value::String(value) => Some(value.clone()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// The keys of the first objects, in order of appearance.
pub(crate) fn names(mut input: Input) -> Result<Vec<String>, Failure> {
    let mut names: Vec<String> = Vec::new();
    for _ in 0..SURVEYED {
        let Some((text, bytes)) = input.next_line()? else { break };
        if let Ok(object) = object(&input.rest()[text]) {
            for name in object.keys() {
                if !names.contains(name) {
                    names.push(name.clone());
                }
            }
        }
        input.consume(bytes, 1);
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::source::tests::{dialect, read};
    use crate::data::texts::elements;
    use crate::syntax::spec::Format;

    #[test]
    fn values_become_texts_and_broken_lines_are_set_aside() {
        let dialect = Dialect { format: Some(Format::Jsonl), ..dialect() };
        let text = "{\"a\": 5, \"b\": [1, \"x\"]}\n{\"a\": \"\"}\n\n{\"a\": 1.5\n[1]\n{\"a\": {}}\n{\"b\": [[]]}\n{\"a\": true, \"c\": {}}";
        let rows = read(text, dialect, &["a", "b"]).unwrap();
        assert_eq!(rows.cells("a"), ["5", "NULL", "true"]);
        assert_eq!(elements(rows.cells("b")[0], None).collect::<Vec<_>>(), ["1", "x"]);
        assert_eq!(rows.lines, [1, 2, 8]);
        let lines: Vec<u64> = rows.broken.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [4, 5, 6, 7]);
        assert!(rows.broken[0].1.starts_with("expected a JSON object: EOF"), "{}", rows.broken[0].1);
    }
}
