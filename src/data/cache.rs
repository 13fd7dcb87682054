//! Where the column cache of a data section is, and when it is still valid: its name is a hash of what it was made from.

use std::fmt::Write;
use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use xxhash_rust::xxh3::xxh3_64;

use super::plan::{
    AxisPlan, DrawPlan, FeaturePlan, JoinPlan, LabelPlan, Origin, Plan, SamplesPlan, SourcePlan, SplitPlan, Unit, Visit,
};
use super::source::SourceFile;
use crate::expr::ast::Expr;

/// Grows with every change of what is computed or how it is stored.
const VERSION: u32 = 4;

/// Where the column cache is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CacheDir {
    /// `$SPECREC_CACHE`, or `specrec` in the user's cache directory.
    #[default]
    Default,
    /// This directory.
    At(PathBuf),
    /// Nowhere: everything stays in memory.
    Off,
}

impl CacheDir {
    /// The directory; none where there is to be no cache or no place for it.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        let of = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        match self {
            CacheDir::Off => None,
            CacheDir::At(path) => Some(path.clone()),
            CacheDir::Default => of("SPECREC_CACHE")
                .or_else(|| of("XDG_CACHE_HOME").map(|dir| dir.join("specrec")))
                .or_else(|| of("HOME").map(|dir| dir.join(".cache/specrec")))
                .or_else(|| of("LOCALAPPDATA").map(|dir| dir.join("specrec"))),
        }
    }
}

/// The name of the cache of a plan over files as they are now.
pub(crate) fn file_name(plan: &Plan, files: &[Vec<SourceFile>]) -> String {
    let mut text = format!("version {VERSION}\n{}", canonical(plan));
    for (source, files) in plan.sources.iter().zip(files).filter(|(_, files)| !files.is_empty()) {
        for file in files {
            let path = fs::canonicalize(&file.path).unwrap_or_else(|_| file.path.clone());
            let data = fs::metadata(&file.path).ok();
            let size = data.as_ref().map_or(0, fs::Metadata::len);
            let modified = data.and_then(|data| data.modified().ok()?.duration_since(UNIX_EPOCH).ok());
            let _ = writeln!(text, "{} {:?} {path:?} {size} {modified:?}", source.name, file.name);
        }
    }
    format!("{:016x}.columns", xxh3_64(text.as_bytes()))
}

/// What tells a file from another one, wherever it lies: its size, and a hash of its first and last 64 KiB.
pub(crate) fn told(path: &Path) -> io::Result<String> {
    const END: u64 = 1 << 16;
    let mut file = fs::File::open(path)?;
    let size = file.metadata()?.len();
    let mut ends = Vec::new();
    (&mut file).take(END).read_to_end(&mut ends)?;
    file.seek(SeekFrom::Start(size.saturating_sub(END)))?;
    file.read_to_end(&mut ends)?;
    Ok(format!("{size} {:016x}", xxh3_64(&ends)))
}

/// A plan as text without places: equal for specs that mean the same. Every field is taken apart by name, so that a new
/// one cannot be forgotten here.
fn canonical(plan: &Plan) -> String {
    let Plan { sources, samples, joins, vocabularies, tables, features, axes, draws, inputs, hidden } = plan;
    let mut out = String::new();
    for source in sources {
        let SourcePlan { name, span: _, paths: _, dialect, key, filter, time, skip_broken } = source;
        let time = time.as_ref().map(|time| (&time.column.name, &time.clock));
        let (key, filter) = (key.as_ref().map(|key| &key.name), shown(filter.as_ref()));
        let _ = writeln!(out, "source {name:?} {dialect:?} {key:?} {filter:?} {time:?} {skip_broken}");
    }
    let SamplesPlan { unit, sources, labels, outcomes, split, split_span: _, downsample, negatives, ties, keys } =
        samples;
    let names = |list: &[crate::expr::ast::Ident]| list.iter().map(|name| name.name.clone()).collect::<Vec<_>>();
    let _ = writeln!(out, "samples {sources:?} {:?} {ties:?} {:?}", names(outcomes), names(keys));
    let _ = match unit {
        Unit::Row => writeln!(out, "per row"),
        Unit::List { by } => writeln!(out, "per list of {:?}", by.name),
        Unit::User { by, step } => writeln!(out, "per {:?} {step:?}", by.name),
    };
    for label in labels {
        let LabelPlan { name, is, known_after } = label;
        let _ = writeln!(out, "label {:?} {:?} {known_after}", name.name, is.to_string());
    }
    let _ = match split {
        SplitPlan::None => writeln!(out, "split none"),
        SplitPlan::Time(parts) => writeln!(out, "split time {parts:?}"),
        SplitPlan::LeaveOneOut(of) => writeln!(out, "split leave_one_out {:?}", of.name),
        SplitPlan::Random { of, parts, seed } => {
            writeln!(out, "split random {:?} {parts:?} {seed}", of.as_ref().map(|of| &of.name))
        }
        SplitPlan::Where(parts) => {
            let parts: Vec<String> = parts.iter().map(|(part, expr)| format!("{part:?} {expr}")).collect();
            writeln!(out, "split where {parts:?}")
        }
        SplitPlan::From(parts) => writeln!(out, "split from {parts:?}"),
    };
    if let Some(downsample) = downsample {
        let _ = writeln!(out, "downsample {:?} {}", downsample.filter.to_string(), downsample.keep);
    }
    for join in joins {
        let JoinPlan { source, column, missing } = join;
        let _ = writeln!(out, "join {source} {:?} {missing:?}", column.name);
    }
    let _ = writeln!(out, "vocabularies {vocabularies:?} {tables:?}");
    for feature in features {
        let FeaturePlan { name, span: _, values, form, serve_as } = feature;
        let values: Vec<String> = values.iter().map(Expr::to_string).collect();
        let _ = writeln!(out, "feature {name:?} {values:?} {form:?} {serve_as:?}");
    }
    for axis in axes {
        let AxisPlan { name, span: _, origin, last, features } = axis;
        let _ = write!(out, "axis {name:?} {last} {features:?} ");
        let _ = match origin {
            Origin::Events { source, by, filter, delay } => {
                writeln!(out, "{source} {:?} {:?} {delay}", by.name, shown(filter.as_ref()))
            }
            Origin::Lists { columns, times, newest_first, separator } => {
                let columns: Vec<_> = columns.iter().map(|(column, list)| (column, &list.name)).collect();
                let times = times.as_ref().map(|list| &list.name);
                writeln!(out, "{columns:?} {times:?} {newest_first} {separator:?}")
            }
            Origin::List { by, order, cut } => {
                writeln!(out, "list {:?} {:?} {cut}", by.name, order.as_ref().map(|order| &order.name))
            }
            Origin::Visits { of, rule: Visit::Gap(gap) } => writeln!(out, "visits {of} {gap}"),
            Origin::Visits { of, rule: Visit::Column(column) } => writeln!(out, "visits {of} {:?}", column.name),
            Origin::Draw { draw, n, along } => writeln!(out, "draw {draw:?} {n} {along:?}"),
        };
    }
    for draw in draws {
        let DrawPlan { name, span: _, key, features, by, power, not_in, seed } = draw;
        let _ = writeln!(out, "draw {name:?} {key} {features:?} {by:?} {power} {not_in:?} {seed}");
    }
    let _ = writeln!(out, "inputs {inputs:?} {hidden:?} {negatives:?}");
    out
}

fn shown(expr: Option<&Expr>) -> Option<String> {
    expr.map(Expr::to_string)
}
