//! The files of every source that is needed, their headers, and joined sources as a whole.

use super::eval::{Column, Fault, Frame, eval};
use super::findings::{RowFindings, failure, no_column, no_file};
use super::join::Joined;
use super::plan::{Origin, Plan, SourcePlan};
use super::report::SourceReport;
use super::rows::Wrong;
use super::source::{Chunk, Failure, Header, Reader, SourceFile, find, header};
use super::texts::Texts;
use crate::diag::{Diagnostic, Diags};

/// The files of the sources, by source of the plan; none for sources that nothing needs.
pub(crate) fn find_all(plan: &Plan, base: &std::path::Path, diags: &mut Diags) -> Vec<Vec<SourceFile>> {
    let find_source = |(place, source): (usize, &SourcePlan)| {
        if !needed(plan, place) {
            return Vec::new();
        }
        let mut files = Vec::new();
        for path in &source.paths {
            let found = find(base, &path.value);
            if found.is_empty() {
                diags.push(no_file(&path.value, path.span));
            }
            files.extend(found);
        }
        files
    };
    plan.sources.iter().enumerate().map(find_source).collect()
}

fn needed(plan: &Plan, place: usize) -> bool {
    let of_axis = |origin: &Origin| matches!(origin, Origin::Events { source, .. } if *source == place);
    plan.samples.sources.contains(&place)
        || plan.joins.iter().any(|join| join.source == place)
        || plan.axes.iter().any(|axis| of_axis(&axis.origin))
}

/// The columns of each source: those of its first file. Later files are held to the same names when they are opened.
pub(crate) fn headers(plan: &Plan, files: &[Vec<SourceFile>], diags: &mut Diags) -> Vec<Option<Header>> {
    let read = |(source, files): (&SourcePlan, &Vec<SourceFile>)| {
        let file = files.first()?;
        header(file, &source.dialect).map_err(|what| diags.push(failure(source, file, &what))).ok()
    };
    plan.sources.iter().zip(files).map(read).collect()
}

/// Reads every chunk of a source's files and says how many rows there were, which are numbered from `first_row` on. What
/// is wrong with rows goes to `found`; a file that cannot be read on is a finding at once.
pub(crate) fn read_chunks<'a>(
    source: &SourcePlan,
    files: &'a [SourceFile],
    columns: &[String],
    found: &mut RowFindings,
    diags: &mut Diags,
    first_row: u64,
    mut each: impl FnMut(&mut Chunk, &'a SourceFile, &mut RowFindings),
) -> u64 {
    let mut chunk = Chunk::new(columns.len()).starting_at(first_row);
    for file in files {
        let mut read = || -> Result<(), Failure> {
            let mut reader = Reader::open(file, &source.dialect, columns)?;
            while reader.read(&mut chunk)? {
                for (line, what) in std::mem::take(&mut chunk.broken) {
                    found.add(file, line, &Wrong::Broken(what));
                }
                each(&mut chunk, file, found);
            }
            Ok(())
        };
        if let Err(what) = read() {
            diags.push(failure(source, file, &what));
        }
    }
    chunk.next_row() - first_row
}

/// Reads a source that others join: its key, and the columns `names`.
pub(crate) fn read_joined(
    plan: &Plan,
    place: usize,
    files: &[SourceFile],
    header: &Header,
    names: &[String],
    diags: &mut Diags,
) -> Option<(Joined, SourceReport)> {
    let source = &plan.sources[place];
    let Some(key) = &source.key else {
        let finding = Diagnostic::new("E0454", format!("`{}` is joined but has no `key`", source.name));
        diags.push(finding.at(source.span, "").help("`key:` names the column that tells its rows apart"));
        return None;
    };
    let mut columns = names.to_vec();
    let filter = source.filter.iter().flat_map(super::eval::names);
    for (name, span) in filter.chain([(key.name.as_str(), key.span)]) {
        if !header.names.iter().any(|known| known == name) {
            let file = files.first().map_or("", |file| file.name.as_str());
            diags.push(no_column(name, span, file, header.names.iter().map(String::as_str)));
            return None;
        }
        if columns.iter().all(|known| known != name) {
            columns.push(name.to_string());
        }
    }
    let key_at = columns.iter().position(|name| *name == key.name)?;
    let columns_of = vec![Texts::default(); names.len()];
    let mut joined = Joined { columns: columns_of, names: names.to_vec(), is_read: true, ..Joined::default() };
    let mut report = SourceReport { name: source.name.clone(), files: files.len() as u64, ..SourceReport::default() };
    let mut found = RowFindings::new(plan, source);
    let mut doubled: Vec<Diagnostic> = Vec::new();
    report.rows = read_chunks(source, files, &columns, &mut found, diags, 0, |chunk, file, found| {
        let (keep, faults) = kept(source, &columns, chunk);
        for Fault { row, what } in &faults {
            found.add(file, chunk.lines[*row], &Wrong::Broken(what.clone()));
        }
        for row in 0..chunk.rows.len() {
            if !keep[row] {
                report.filtered += u64::from(faults.iter().all(|fault| fault.row != row));
                continue;
            }
            let Some(text) = chunk.columns[key_at].get(row) else {
                found.add(
                    file,
                    chunk.lines[row],
                    &Wrong::Broken(format!("expected a key in column `{}`, found nothing", key.name)),
                );
                continue;
            };
            let before = joined.keys.len();
            if joined.keys.add(text) as usize != before {
                if doubled.is_empty() {
                    let title =
                        format!("`{text}` stands in two rows of `{}`, whose `key` is `{}`", source.name, key.name);
                    let finding = Diagnostic::new("E0506", title).at(key.span, "");
                    doubled.push(finding.note(format!("the second is at `{}:{}`", file.name, chunk.lines[row])));
                }
                continue;
            }
            for (column, from) in joined.columns.iter_mut().zip(&chunk.columns) {
                column.push(from.get(row));
            }
        }
    });
    report.broken = found.broken;
    found.finish(diags);
    doubled.into_iter().for_each(|finding| diags.push(finding));
    Some((joined, report))
}

/// The rows that the source's own `where` keeps.
fn kept(source: &SourcePlan, columns: &[String], chunk: &Chunk) -> (Vec<bool>, Vec<Fault>) {
    let rows = chunk.rows.len();
    let Some(filter) = &source.filter else { return (vec![true; rows], Vec::new()) };
    let named = columns.iter().map(String::as_str).zip(chunk.columns.iter().map(Column::Own));
    let clock = source.time.as_ref().map(|time| (time.column.name.as_str(), &time.clock));
    let frame = Frame { rows, columns: named.collect(), clock, ..Frame::default() };
    let mut faults = Vec::new();
    let keep =
        eval(filter, &frame, &mut faults).truths(rows, &mut faults).iter().map(|keep| *keep == Some(true)).collect();
    faults.sort_by_key(|fault| fault.row);
    faults.dedup_by_key(|fault| fault.row);
    (keep, faults)
}
