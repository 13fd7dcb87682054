//! What `predict` needs of the data: vocabularies, scales, joined sources, events. A run keeps it in one file.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Want;
use super::array::Array;
use super::batch::Stores;
use super::container::Container;
use super::fit::Fitted;
use super::join::Joined;
use super::load::streams;
use super::plan::{InputValue, Origin, Plan, SplitPlan, build};
use super::proposal::Proposal;
use super::report::Report;
use super::store::{Stored, read_array, read_feature};
use crate::diag::{Diagnostic, Diags};
use crate::syntax::spec::Spec;

/// The file in a run's directory.
const FILE: &str = "data.bin";

/// What is kept beside arrays.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Facts {
    pub(crate) report: Report,
    /// Columns kept of joined sources.
    pub(crate) joined: BTreeMap<String, Vec<String>>,
}

/// Everything fitted and stored that does not belong to single samples.
#[derive(Debug)]
pub struct DataBundle {
    pub(crate) plan: Plan,
    pub(crate) fitted: Fitted,
    /// By source of the plan.
    pub(crate) joined: Vec<Joined>,
    /// By axis of the plan; none for axes that samples list.
    pub(crate) axes: Vec<Option<EventStore>>,
    /// By draw of the plan.
    pub(crate) draws: Vec<Proposal>,
    pub(crate) facts: Facts,
    pub(crate) container: Container,
    /// Whether new rows are read with their labels.
    pub(crate) labelled: bool,
}

/// The events of an axis, by (key, time, row).
#[derive(Debug)]
pub(crate) struct EventStore {
    /// Where the events of each key begin.
    pub(crate) starts: Array<u32>,
    /// None where the data has no time.
    pub(crate) times: Option<Array<f64>>,
    /// Raw numbers, in the order of [`super::relative::numbers`].
    pub(crate) numbers: Vec<Array<f64>>,
    /// By feature of the axis; none for those that look at the sample's time.
    pub(crate) features: Vec<Option<Stored>>,
    /// Where events part into visits: 1 where a visit begins.
    pub(crate) visits: Option<Array<u8>>,
    /// Of a list, the number of each element's row in its source.
    pub(crate) rows: Option<Array<u32>>,
    /// By label of the plan, where an input reads it along a list.
    pub(crate) labels: Vec<Option<Array<f32>>>,
    /// By outcome of the plan, likewise.
    pub(crate) outcomes: Vec<Option<Array<f32>>>,
}

impl DataBundle {
    /// Reads what a container holds for a plan; none if that is not all of it.
    pub(crate) fn read(mut plan: Plan, container: Container) -> Option<DataBundle> {
        let facts: Facts = serde_json::from_str(container.facts()).ok()?;
        let mut keys: Vec<String> = streams(&plan).into_iter().flat_map(|stream| stream.task.keys).collect();
        keys.sort_unstable();
        keys.dedup();
        // Keys that only metrics or the split read may be asked for by a plan of other inputs; events need theirs.
        let fitted = Fitted::read(&plan, &keys, &container)?;
        let mut joined = Vec::new();
        for source in &plan.sources {
            joined.push(match facts.joined.get(&source.name) {
                Some(names) => Joined::read(&format!("joined/{}", source.name), names, &container)?,
                None => Joined::default(),
            });
        }
        let mut axes = Vec::new();
        for axis in 0..plan.axes.len() {
            let kept = container.array::<f64>(&format!("axis/{}/delay", plan.axes[axis].name));
            if let Origin::Events { delay, .. } = &mut plan.axes[axis].origin {
                // A plan of fewer inputs finds less to hide than the one that was trained.
                *delay = kept?.first().copied()?;
            }
            if plan.axes[axis].origin.by().is_none() {
                axes.push(None);
                continue;
            }
            axes.push(Some(EventStore::read(&plan, axis, &container)?));
        }
        let draws = plan.draws.iter().map(|draw| Proposal::read(&plan, draw, &container)).collect::<Option<_>>()?;
        Some(DataBundle { plan, fitted, joined, axes, draws, facts, container, labelled: false })
    }

    /// Reads what [`super::Dataset::save`] put into a run's directory, for the inputs of an inference graph. None, with a
    /// finding, if it is not there or belongs to another spec.
    pub fn load(dir: &Path, spec: &Spec, wants: &[Want], diags: &mut Diags) -> Option<DataBundle> {
        load(&dir.join(FILE), build(spec, wants, diags)?, diags, DataBundle::read)
    }

    /// What batches are built from.
    pub(crate) fn stores(&self) -> Stores<'_> {
        Stores {
            plan: &self.plan,
            fitted: &self.fitted,
            axes: self.axes.iter().map(Option::as_ref).collect(),
            draws: &self.draws,
        }
    }

    /// The same for new rows that have labels: each of them is a sample, whatever part it would be of.
    pub fn labelled(mut self) -> Self {
        self.plan.samples.split = SplitPlan::None;
        self.plan.samples.downsample = None;
        self.plan.samples.negatives = None;
        // Who is who among new rows is not for the numbers of training to say.
        self.plan.samples.keys.clear();
        self.labelled = true;
        self
    }

    pub(crate) fn save(&self, dir: &Path) -> io::Result<()> {
        self.container.copy(&dir.join(FILE), |name| !name.starts_with("samples/"))
    }

    /// The id of a row of a table, as it is in the data; none for the unknown row.
    pub fn id(&self, table: &str, row: u32) -> Option<String> {
        let (_, vocabulary) = self.plan.tables.iter().find(|(name, _)| name == table)?;
        self.fitted.codebooks.vocabularies.get(*vocabulary)?.text(row)
    }

    /// Rows of a table, the unknown row 0 included, by the name of the table or of a feature with a table of its own.
    pub fn rows_of(&self, table: &str) -> Option<u32> {
        let (_, vocabulary) = self.plan.tables.iter().find(|(name, _)| name == table)?;
        Some(self.fitted.size(&self.plan, *vocabulary))
    }
}

/// Reads a file of a run's directory; none, with a finding, if it is not there, damaged, or of another spec.
pub(crate) fn load<T>(
    path: &Path,
    plan: Plan,
    diags: &mut Diags,
    read: impl FnOnce(Plan, Container) -> Option<T>,
) -> Option<T> {
    let Some(container) = Container::open(path) else {
        let title = format!("`{}` is missing or damaged", path.display());
        diags.push(Diagnostic::new("E0511", title).help("training writes it; a run directory is copied as a whole"));
        return None;
    };
    let found = read(plan, container);
    if found.is_none() {
        let title = format!("`{}` holds the data of another spec", path.display());
        diags.push(Diagnostic::new("E0511", title).help("the spec of a run is the one in its directory"));
    }
    found
}

impl EventStore {
    /// Reads the events of an axis; none if something is missing or not whole.
    pub(crate) fn read(plan: &Plan, axis: usize, container: &Container) -> Option<EventStore> {
        let name = format!("axis/{}", plan.axes[axis].name);
        let starts = container.array::<u32>(&format!("{name}/starts"))?;
        let count = starts.last().copied().unwrap_or(0) as usize;
        if !starts.windows(2).all(|pair| pair[0] <= pair[1]) {
            return None;
        }
        let numbers = super::relative::numbers(plan, &plan.axes[axis]);
        let numbers = numbers.iter().map(|number| read_array(container, &format!("{name}/number/{number}"), count));
        let features = plan.axes[axis].features.iter().map(|&feature| {
            let feature = &plan.features[feature];
            if feature.looks_at_sample() {
                return Some(None);
            }
            read_feature(container, &format!("{name}/feature/{}", feature.name), feature, count).map(Some)
        });
        let values = |is_read: &dyn Fn(usize) -> bool, name: &dyn Fn(usize) -> String, of: usize| {
            let read = |at: usize| match is_read(at) {
                true => read_array(container, &name(at), count).map(Some),
                false => Some(None),
            };
            (0..of).map(read).collect::<Option<Vec<Option<Array<f32>>>>>()
        };
        let (labels, outcomes) = (&plan.samples.labels, &plan.samples.outcomes);
        let reads_label = |label: usize| {
            plan.holds(InputValue::LabelAlong { axis, label }) || plan.holds(InputValue::Positives { axis, label })
        };
        let visits = match plan.visits_of(axis) {
            Some(_) => Some(read_array(container, &format!("{name}/visit"), count)?),
            None => None,
        };
        Some(EventStore {
            visits,
            rows: read_array(container, &format!("{name}/row"), count),
            labels: values(&reads_label, &|at| format!("{name}/label/{}", labels[at].name.name), labels.len())?,
            outcomes: values(
                &|outcome| plan.holds(InputValue::OutcomeAlong { axis, outcome }),
                &|at| format!("{name}/outcome/{}", outcomes[at].name),
                outcomes.len(),
            )?,
            numbers: numbers.collect::<Option<_>>()?,
            features: features.collect::<Option<_>>()?,
            times: read_array(container, &format!("{name}/time"), count),
            starts,
        })
    }
}
