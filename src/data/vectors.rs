//! Vectors that tables begin with, read from a file: one for each id of a vocabulary.

use std::collections::BTreeMap;
use std::path::Path;

use super::dataset::Dataset;
use super::findings::{no_column, no_file};
use super::rows::Codebook;
use super::source::{Chunk, Dialect, Reader, SourceFile, find, header};
use super::texts::items;
use crate::diag::{Diagnostic, Diags};
use crate::lower::Table;
use crate::syntax::spec::{Spec, TableSpec, Vectors};

/// First values of the tables that say `from:`, row-major, by table. None, with findings, if a file is missing, broken, or
/// holds vectors of another width than its table.
pub fn vectors(
    spec: &Spec,
    tables: &[Table],
    dataset: &Dataset,
    diags: &mut Diags,
) -> Option<BTreeMap<String, Vec<f32>>> {
    let mut all = BTreeMap::new();
    let mut whole = true;
    for table in tables {
        let entry = spec.tables.iter().find(|entry| entry.name.name == table.name);
        let Some((TableSpec { from: Some(from), .. }, rows)) =
            entry.map(|entry| &entry.value).zip(dataset.rows_of(&table.name))
        else {
            continue;
        };
        let Some(codebook) = dataset.codebook(&table.name) else { continue };
        let into = Values::new(rows as usize, table.dim as usize);
        match read(from, &spec.base, codebook, into) {
            Ok(values) => drop(all.insert(table.name.clone(), values)),
            Err(finding) => {
                diags.push(finding);
                whole = false;
            }
        }
    }
    whole.then_some(all)
}

/// The rows of a table, as far as they are found.
struct Values {
    width: usize,
    numbers: Vec<f32>,
    found: Vec<bool>,
}

impl Values {
    fn new(rows: usize, width: usize) -> Values {
        Values { width, numbers: vec![0.0; rows * width], found: vec![false; rows] }
    }

    /// Rows that the file lacks, that of unknown ids among them, become the mean of the others, or stay zero.
    fn complete(mut self, with_mean: bool) -> Vec<f32> {
        let count = self.found.iter().filter(|found| **found).count();
        if with_mean && count > 0 {
            let mut mean = vec![0.0_f64; self.width];
            for (row, _) in self.numbers.chunks_exact(self.width).zip(&self.found).filter(|(_, found)| **found) {
                mean.iter_mut().zip(row).for_each(|(sum, number)| *sum += f64::from(*number));
            }
            let mean: Vec<f32> = mean.iter().map(|sum| (sum / count as f64) as f32).collect();
            for (row, _) in self.numbers.chunks_exact_mut(self.width).zip(&self.found).filter(|(_, found)| !**found) {
                row.copy_from_slice(&mean);
            }
        }
        self.numbers
    }
}

fn read(from: &Vectors, base: &Path, codebook: &Codebook, mut into: Values) -> Result<Vec<f32>, Diagnostic> {
    let span = from.path.span;
    let files = find(base, &from.path.value);
    if files.is_empty() {
        return Err(no_file(&from.path.value, span));
    }
    let dialect = Dialect {
        format: None,
        delimiter: None,
        encoding: None,
        missing: vec![String::new()],
        columns: None,
        partition: None,
    };
    let columns: Vec<String> = std::iter::once(&from.key).chain(&from.columns).map(|name| name.name.clone()).collect();
    let mut chunk = Chunk::new(columns.len());
    let mut numbers = Vec::new();
    for file in &files {
        let failed = |what: super::source::Failure| {
            let place = what.line.map(|line| format!(":{line}")).unwrap_or_default();
            let code = if what.unread { "E0502" } else { "E0503" };
            Diagnostic::new(code, format!("`{}{place}` cannot be read: {}", file.name, what.what)).at(span, "")
        };
        let known = header(file, &dialect).map_err(failed)?;
        for name in std::iter::once(&from.key).chain(&from.columns) {
            if !known.open && !known.names.contains(&name.name) {
                return Err(no_column(&name.name, name.span, &file.name, known.names.iter().map(String::as_str)));
            }
        }
        let mut reader = Reader::open(file, &dialect, &columns).map_err(failed)?;
        while reader.read(&mut chunk).map_err(failed)? {
            if let Some((line, what)) = chunk.broken.first() {
                return Err(broken(file, *line, what, from));
            }
            for row in 0..chunk.rows.len() {
                let line = chunk.lines[row];
                let Some(id) = chunk.columns[0].get(row) else {
                    return Err(broken(file, line, &format!("expected an id in column `{}`", from.key.name), from));
                };
                let at = codebook.known(id) as usize;
                if at == 0 || at >= into.found.len() {
                    continue;
                }
                numbers.clear();
                parse(&chunk, row, &mut numbers).map_err(|what| broken(file, line, &what, from))?;
                if numbers.len() != into.width {
                    let title = format!(
                        "the vector of `{id}` has {} numbers, the rows of its table have {}",
                        numbers.len(),
                        into.width
                    );
                    let finding =
                        Diagnostic::new("E0516", title).at(span, "").note(format!("at `{}:{line}`", file.name));
                    return Err(finding.help(format!("`dim: {}` of the table", numbers.len())));
                }
                // Of ids that share a row the first one counts.
                if !std::mem::replace(&mut into.found[at], true) {
                    into.numbers[at * into.width..(at + 1) * into.width].copy_from_slice(&numbers);
                }
            }
        }
    }
    if !into.found.contains(&true) {
        let title = format!("`{}` has a vector of no id of the train part", from.path.value);
        return Err(Diagnostic::new("E0516", title).at(span, "").help("ids are compared as text: `007` is not `7`"));
    }
    Ok(into.complete(from.missing_mean))
}

/// The numbers of a row: those of several columns, or all of one.
fn parse(chunk: &Chunk, row: usize, numbers: &mut Vec<f32>) -> Result<(), String> {
    let number = |text: &str| {
        let value = text.trim().parse::<f32>().ok().filter(|value| value.is_finite());
        value.ok_or_else(|| format!("expected a number, found `{text}`"))
    };
    let cells: Vec<&str> = chunk.columns[1..].iter().map(|column| column.get(row).unwrap_or("")).collect();
    match cells.as_slice() {
        [list] => {
            for item in items(list, None) {
                let parts = item.split(|c: char| c.is_whitespace() || "|;,[]".contains(c));
                for text in parts.filter(|text| !text.is_empty()) {
                    numbers.push(number(text)?);
                }
            }
        }
        several => {
            for text in several {
                numbers.push(number(text)?);
            }
        }
    }
    Ok(())
}

fn broken(file: &SourceFile, line: u64, what: &str, from: &Vectors) -> Diagnostic {
    Diagnostic::new("E0505", format!("broken row at `{}:{line}`: {what}", file.name)).at(from.path.span, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_without_a_vector_are_the_mean_of_the_others() {
        let values =
            || Values { width: 2, numbers: vec![0.0, 0.0, 1.0, 4.0, 3.0, 0.0], found: vec![false, true, true] };
        assert_eq!(values().complete(true), [2.0, 2.0, 1.0, 4.0, 3.0, 0.0]);
        assert_eq!(values().complete(false)[..2], [0.0, 0.0]);
    }
}
