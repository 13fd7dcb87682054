//! A path of a source to files: a file, a glob, or a directory with everything below it; always in sorted order.

use std::fs;
use std::path::{Path, PathBuf};

/// A file of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SourceFile {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// What messages call it: the spec's own words, wildcards filled in.
    pub(crate) name: String,
}

/// The files that a path of the spec means; none where nothing is there.
pub(crate) fn find(base: &Path, pattern: &str) -> Vec<SourceFile> {
    let root = if pattern.starts_with('/') { PathBuf::from("/") } else { base.to_path_buf() };
    let start = SourceFile { path: root, name: if pattern.starts_with('/') { "/".into() } else { String::new() } };
    let mut found = vec![start];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        found = found.iter().flat_map(|place| step(place, part)).collect();
    }
    let mut files: Vec<SourceFile> = found.iter().flat_map(below).collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files.dedup();
    files
}

/// The entries of a place that one part of a pattern means.
fn step(place: &SourceFile, part: &str) -> Vec<SourceFile> {
    let literal = child(place, part);
    if literal.path.exists() {
        return vec![literal];
    }
    if part == "**" {
        let mut all = vec![place.clone()];
        let mut next = 0;
        while let Some(directory) = all.get(next).cloned() {
            all.extend(entries(&directory).into_iter().filter(|entry| entry.path.is_dir()));
            next += 1;
        }
        return all;
    }
    let part: Vec<char> = part.chars().collect();
    let matching = |entry: &SourceFile| {
        let name: Vec<char> = entry.name.rsplit('/').next().unwrap_or("").chars().collect();
        matches(&part, &name)
    };
    entries(place).into_iter().filter(matching).collect()
}

/// The file itself, or the files anywhere below a directory.
fn below(place: &SourceFile) -> Vec<SourceFile> {
    if place.path.is_dir() {
        entries(place).iter().flat_map(below).collect()
    } else if place.path.exists() {
        vec![place.clone()]
    } else {
        Vec::new()
    }
}

fn child(place: &SourceFile, part: &str) -> SourceFile {
    let name = match place.name.as_str() {
        "" => part.to_string(),
        "/" => format!("/{part}"),
        name => format!("{name}/{part}"),
    };
    SourceFile { path: place.path.join(part), name }
}

/// What stands in a directory; names that begin with a dot or an underscore are bookkeeping of other tools.
fn entries(place: &SourceFile) -> Vec<SourceFile> {
    let Ok(list) = fs::read_dir(&place.path) else { return Vec::new() };
    let mut names: Vec<String> =
        list.filter_map(|entry| entry.ok().and_then(|entry| entry.file_name().into_string().ok())).collect();
    names.retain(|name| !name.starts_with(['.', '_']));
    names.sort();
    names.iter().map(|name| child(place, name)).collect()
}

/// Whether a name matches a pattern of `*`, `?`, `[a-z]` and `[!a-z]`.
fn matches(pattern: &[char], name: &[char]) -> bool {
    match pattern {
        [] => name.is_empty(),
        ['*', rest @ ..] => (0..=name.len()).any(|skip| matches(rest, &name[skip..])),
        ['?', rest @ ..] => !name.is_empty() && matches(rest, &name[1..]),
        ['[', rest @ ..] if rest.contains(&']') && !name.is_empty() => {
            let close = rest.iter().skip(1).position(|c| *c == ']').map_or(0, |at| at + 1);
            let (inside, after) = (&rest[..close], &rest[(close + 1).min(rest.len())..]);
            let (negated, inside) = match inside {
                ['!', set @ ..] => (true, set),
                set => (false, set),
            };
            in_set(inside, name[0]) != negated && matches(after, &name[1..])
        }
        [c, rest @ ..] => name.first() == Some(c) && matches(rest, &name[1..]),
    }
}

fn in_set(set: &[char], c: char) -> bool {
    match set {
        [] => false,
        [low, '-', high, rest @ ..] => (*low <= c && c <= *high) || in_set(rest, c),
        [one, rest @ ..] => *one == c || in_set(rest, c),
    }
}

/// The value of `column` in a path that holds `column=value`.
pub(crate) fn partition<'a>(name: &'a str, column: &str) -> Option<&'a str> {
    name.split('/').find_map(|part| part.strip_prefix(column)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(base: &Path, pattern: &str) -> Vec<String> {
        find(base, pattern).into_iter().map(|file| file.name).collect()
    }

    #[test]
    fn files_globs_and_directories_are_found_in_sorted_order() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["logs/dt=2/b.csv", "logs/dt=1/a.csv", "logs/dt=1/_SUCCESS", "logs/dt=10/a.csv", "x[1].csv"] {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let all = ["logs/dt=1/a.csv", "logs/dt=10/a.csv", "logs/dt=2/b.csv"];
        assert_eq!(names(dir.path(), "logs"), all);
        assert_eq!(names(dir.path(), "logs/dt=*/*.csv"), all);
        assert_eq!(names(dir.path(), "**/*.csv"), [&all[..], &["x[1].csv"]].concat());
        assert_eq!(names(dir.path(), "logs/dt=?"), [all[0], all[2]]);
        assert_eq!(names(dir.path(), "logs/dt=[!1]/*"), [all[2]]);
        assert_eq!(names(dir.path(), "logs/dt=[0-1]/*"), [all[0]]);
        assert_eq!(names(dir.path(), "x[1].csv"), ["x[1].csv"], "a file of that very name");
        assert_eq!(names(dir.path(), "y.csv"), [""; 0]);
        let absolute = format!("{}/logs/dt=2", dir.path().display());
        assert_eq!(names(Path::new("/nowhere"), &absolute), [format!("{absolute}/b.csv")]);
    }

    #[test]
    fn brackets_that_do_not_close_are_letters() {
        let matches = |pattern: &str, name: &str| {
            matches(&pattern.chars().collect::<Vec<_>>(), &name.chars().collect::<Vec<_>>())
        };
        assert!(matches("a[b", "a[b") && !matches("a[b", "ab"));
        assert!(matches("[]a]*", "]x") && !matches("[", "") && !matches("[]", "a"));
    }

    #[test]
    fn a_partition_is_read_from_the_path() {
        assert_eq!(partition("logs/dt=20170511/a.csv", "dt"), Some("20170511"));
        assert_eq!(partition("logs/adt=1/a.csv", "dt"), None);
    }
}
