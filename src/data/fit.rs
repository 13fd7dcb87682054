//! What is fitted, on the train part only: which ids have rows of their own, scales, edges of buckets.

use std::io;

use super::container::{Builder, Container};
use super::interner::Interner;
use super::join::{read_texts, write_texts};
use super::load::{Loaded, Stream};
use super::plan::{Form, InputValue, Plan, Rule};
use super::rows::{Codebook, Codebooks, Raw, Written, range};
use super::scale::{Statistics, Thinned, edges};
use super::views::{Train, Views};

/// Everything that is fitted.
#[derive(Clone, Debug)]
pub(crate) struct Fitted {
    /// Vocabularies and keys; no text joins them any more.
    pub(crate) codebooks: Codebooks,
    /// By feature of the plan.
    pub(crate) features: Vec<FeatureFit>,
}

/// What is fitted of a feature of numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct FeatureFit {
    /// By column of a vector.
    pub(crate) statistics: Vec<Statistics>,
    /// Of a bucket.
    pub(crate) edges: Vec<f64>,
}

/// By vocabulary, the row of each number given while reading; empty where they are the same.
pub(crate) type Renumbering = Vec<Vec<u32>>;

/// Fits a plan.
pub(crate) fn fit(
    plan: &Plan,
    loaded: &mut Loaded,
    train: &Train,
    views: &[Views],
) -> io::Result<(Fitted, Renumbering)> {
    let mut features = Vec::new();
    for feature in 0..plan.features.len() {
        features.push(numbers(plan, loaded, train, views, feature));
    }
    let mut renumbering = Vec::new();
    let mut vocabularies = Vec::new();
    for vocabulary in 0..plan.vocabularies.len() {
        let (texts, rows) = count(plan, loaded, train, vocabulary);
        vocabularies.push(Codebook::fixed(plan.vocabularies[vocabulary].rule, texts));
        renumbering.push(rows);
    }
    let mut keys = std::mem::take(&mut loaded.codebooks.keys);
    keys.values_mut().for_each(|codebook| codebook.growing = false);
    Ok((Fitted { codebooks: Codebooks { vocabularies, keys }, features }, renumbering))
}

/// Where the train part has a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a row of the samples' table. A row that is a sample and an event is one place.
    Row(u32),
    /// In an event of another source.
    Event,
    /// In a list of a sample.
    List,
}

/// Every place where the train part has a value of a feature: its column, the row there, and what it is a row of.
pub(crate) fn occurrences<'a>(
    plan: &'a Plan,
    loaded: &'a Loaded,
    train: &'a Train,
    feature: usize,
) -> impl Iterator<Item = (&'a Written, usize, Place)> {
    let wanted = plan.holds(InputValue::Sample { feature }) || plan.drawn_features().any(|drawn| drawn == feature);
    let along = move |axis: usize| plan.axes[axis].features.contains(&feature);
    let of_rows = loaded.streams.iter().enumerate().flat_map(move |(stream, Stream { task, .. })| {
        let table = &loaded.tables[stream];
        let slot = task.features.iter().position(|known| *known == feature);
        slot.into_iter().flat_map(move |slot| {
            let counts = move |row: &usize| {
                let event =
                    || task.axes.iter().zip(&table.events).any(|(axis, marks)| along(*axis) && marks[*row] != 0);
                (wanted && stream == 0 && train.teaches(*row))
                    || (train.has_event(stream, *row, &table.times) && event())
            };
            (0..table.rows.len()).filter(counts).map(move |row| {
                (&table.features[slot], row, if stream == 0 { Place::Row(row as u32) } else { Place::Event })
            })
        })
    });
    let samples = &loaded.tables[0];
    let lists = loaded.streams[0].task.lists.iter().zip(&samples.lists);
    let of_lists = lists.flat_map(move |(&axis, list)| {
        let slot = plan.axes[axis].features.iter().position(|known| *known == feature);
        slot.into_iter().flat_map(move |slot| {
            let rows = (0..samples.rows.len()).filter(|&row| train.samples[row]);
            rows.flat_map(|row| range(&list.ends, row)).map(move |element| (&list.features[slot], element, Place::List))
        })
    });
    of_rows.chain(of_lists)
}

/// How often the train part has an id.
#[derive(Clone, Copy, Default)]
struct Counts {
    rows: u32,
    events: u32,
    lists: u32,
}

impl Counts {
    fn add(&mut self, place: Place) {
        let count = match place {
            Place::Row(_) => &mut self.rows,
            Place::Event => &mut self.events,
            Place::List => &mut self.lists,
        };
        *count = count.saturating_add(1);
    }

    /// The number that `min_count` is held against. One would expect the sum. However, a history that holds only what was
    /// clicked tells an id that was clicked a second time, and a list does so in every later sample: of the ids that were
    /// there once, the unknown row would get those that were not clicked, and would know the label. So samples are what
    /// counts where they have the id, and no list; another source does where it has the id more often by itself.
    fn known(self) -> u32 {
        if self.rows > 0 { self.rows.max(self.events) } else { self.events.saturating_add(self.lists) }
    }
}

/// Counts ids and gives rows to those that are frequent enough, in order of first appearance.
fn count(plan: &Plan, loaded: &Loaded, train: &Train, vocabulary: usize) -> (Interner, Vec<u32>) {
    let Rule::Counted { min_count } = plan.vocabularies[vocabulary].rule else { return Default::default() };
    let read = &loaded.codebooks.vocabularies[vocabulary].texts;
    let mut counts = vec![Counts::default(); read.len() + 1];
    let mut order = Vec::new();
    let mut add = |code: u32, place: Place| {
        let count = &mut counts[code as usize];
        if count.known() == 0 && code != 0 {
            order.push(code);
        }
        count.add(place);
    };
    for (feature, form) in plan.features.iter().map(|feature| &feature.form).enumerate() {
        match form {
            Form::Id { vocabulary: own } | Form::Ids { vocabulary: own, .. } if *own == vocabulary => {}
            _ => continue,
        }
        for (column, row, place) in occurrences(plan, loaded, train, feature) {
            match column {
                Raw::Codes(codes) => add(codes[row], place),
                Raw::Bags { ends, codes } => codes[range(ends, row)].iter().for_each(|&code| add(code, place)),
                Raw::Numbers { .. } => {}
            }
        }
    }
    let mut texts = Interner::default();
    let mut rows = vec![0; read.len() + 1];
    for code in order.into_iter().filter(|&code| counts[code as usize].known() >= min_count) {
        if let Some(text) = read.texts().get(code as usize - 1) {
            rows[code as usize] = 1 + texts.add(text);
        }
    }
    (texts, rows)
}

/// Fits a feature of numbers.
fn numbers(plan: &Plan, loaded: &Loaded, train: &Train, views: &[Views], feature: usize) -> FeatureFit {
    let bucket = match &plan.features[feature].form {
        Form::Numbers { .. } => None,
        Form::Bucket { edges, .. } => Some(edges),
        Form::Id { .. } | Form::Ids { .. } => return FeatureFit::default(),
    };
    let column = |at: usize| {
        let plain = occurrences(plan, loaded, train, feature).filter_map(move |(column, row, _)| match column {
            Raw::Numbers { width, values } => values.get(row * width + at).copied(),
            _ => None,
        });
        plain.chain(super::relative::in_train(plan, loaded, train, views, feature, at))
    };
    match bucket {
        None => {
            let columns = 0..plan.features[feature].values.len();
            FeatureFit { statistics: columns.map(|at| Statistics::of(column(at))).collect(), edges: Vec::new() }
        }
        Some(wanted) => {
            let mut thinned = Thinned::new();
            column(0).for_each(|value| thinned.push(value));
            FeatureFit { statistics: Vec::new(), edges: edges(wanted, thinned.values()) }
        }
    }
}

impl Fitted {
    /// Rows of the tables that share a vocabulary, the unknown row included.
    pub(crate) fn size(&self, plan: &Plan, vocabulary: usize) -> u32 {
        match plan.vocabularies[vocabulary].rule {
            Rule::Counted { .. } => 1 + self.codebooks.vocabularies[vocabulary].texts.len() as u32,
            Rule::Hash(size) | Rule::Size(size) => size.saturating_add(1),
            Rule::Buckets => {
                let of = |(feature, fit): (&super::plan::FeaturePlan, &FeatureFit)| match feature.form {
                    Form::Bucket { vocabulary: own, .. } if own == vocabulary => fit.edges.len() as u32 + 2,
                    _ => 1,
                };
                plan.features.iter().zip(&self.features).map(of).max().unwrap_or(1)
            }
        }
    }

    /// Writes it.
    pub(crate) fn write(&self, plan: &Plan, builder: &mut Builder) -> io::Result<()> {
        for (vocabulary, codebook) in plan.vocabularies.iter().zip(&self.codebooks.vocabularies) {
            write_texts(&format!("vocabulary/{}", vocabulary.name), codebook.texts.texts(), builder)?;
        }
        for (name, codebook) in &self.codebooks.keys {
            // Who has no event is nobody to a later request, but their codes group rows of the parts.
            write_texts(&format!("key/{name}"), codebook.texts.texts(), builder)?;
        }
        for (feature, fit) in plan.features.iter().zip(&self.features) {
            let statistics = fit.statistics.iter().flat_map(|statistics| statistics.to_array());
            builder.write(&format!("fit/{}/statistics", feature.name), statistics)?;
            builder.write(&format!("fit/{}/edges", feature.name), fit.edges.iter().copied())?;
        }
        Ok(())
    }

    /// Reads what [`Fitted::write`] wrote; `keys` are the key columns.
    pub(crate) fn read(plan: &Plan, keys: &[String], container: &Container) -> Option<Fitted> {
        let texts = |name: String| Interner::from_texts(read_texts(&name, container)?);
        let mut vocabularies = Vec::new();
        for vocabulary in &plan.vocabularies {
            vocabularies.push(Codebook::fixed(vocabulary.rule, texts(format!("vocabulary/{}", vocabulary.name))?));
        }
        let mut codebooks = Codebooks { vocabularies, keys: Default::default() };
        for key in keys {
            let codebook = Codebook::fixed(Rule::Counted { min_count: 1 }, texts(format!("key/{key}"))?);
            codebooks.keys.insert(key.clone(), codebook);
        }
        let mut features = Vec::new();
        for feature in &plan.features {
            let statistics = container.array::<f64>(&format!("fit/{}/statistics", feature.name))?;
            let edges = container.array::<f64>(&format!("fit/{}/edges", feature.name))?;
            let statistics: Vec<Statistics> =
                statistics.chunks(4).map(Statistics::from_slice).collect::<Option<_>>()?;
            if matches!(feature.form, Form::Numbers { .. }) && statistics.len() != feature.values.len() {
                return None;
            }
            features.push(FeatureFit { statistics, edges: edges.to_vec() });
        }
        Some(Fitted { codebooks, features })
    }
}
