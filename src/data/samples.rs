//! The samples of a container, by part.

use super::array::Array;
use super::container::Container;
use super::plan::{InputValue, Origin, Plan};
use super::store::{Stored, read_array, read_feature};
use crate::syntax::spec::Part;

/// Samples by (part, time, row).
#[derive(Debug)]
pub(crate) struct Samples {
    bounds: [usize; 4],
    /// Number of each in its source.
    pub(crate) rows: Array<u32>,
    pub(crate) times: Option<Array<f64>>,
    pub(crate) weights: Option<Array<f32>>,
    /// Codes of key columns, by name.
    pub(crate) keys: Vec<(String, Array<u32>)>,
    /// By feature of the plan, for those of the sample itself.
    pub(crate) features: Vec<Option<Stored>>,
    /// By label of the plan.
    pub(crate) labels: Vec<Option<Array<f32>>>,
    /// By outcome of the plan.
    pub(crate) outcomes: Vec<Option<Array<f32>>>,
    /// By axis: the first element that each sample sees, and how many; none for draws.
    pub(crate) views: Vec<Option<(Array<u32>, Array<u32>)>>,
    /// By axis that is a list: how many elements each sample's whole list has, those that are cut of it included.
    pub(crate) whole: Vec<Option<Array<u32>>>,
    /// By axis, by feature of the axis: elements that samples list themselves.
    pub(crate) lists: Vec<Option<Vec<Stored>>>,
}

impl Samples {
    /// Reads them; none if something is missing or not whole. `labelled`: with labels, outcomes and keys.
    pub(crate) fn read(plan: &Plan, container: &Container, labelled: bool) -> Option<Samples> {
        let bounds = read_array::<u64>(container, "samples/bounds", 4)?;
        let bounds: [usize; 4] = [bounds[0] as usize, bounds[1] as usize, bounds[2] as usize, bounds[3] as usize];
        let count = bounds[3];
        if !bounds.is_sorted() {
            return None;
        }
        let mut keys = Vec::new();
        for key in plan.samples.keys.iter().filter(|_| labelled) {
            keys.push((key.name.clone(), read_array(container, &format!("samples/key/{}", key.name), count)?));
        }
        let mut features: Vec<Option<Stored>> = plan.features.iter().map(|_| None).collect();
        for at in plan.sample_features() {
            let feature = &plan.features[at];
            features[at] = Some(read_feature(container, &format!("samples/feature/{}", feature.name), feature, count)?);
        }
        let numbers = |value: &dyn Fn(usize) -> InputValue, names: &mut dyn Iterator<Item = String>| {
            let read = |(at, name): (usize, String)| match labelled && plan.holds(value(at)) {
                true => read_array(container, &name, count).map(Some),
                false => Some(None),
            };
            names.enumerate().map(read).collect::<Option<Vec<Option<Array<f32>>>>>()
        };
        let mut names = plan.samples.labels.iter().map(|label| format!("samples/label/{}", label.name.name));
        let labels = numbers(&InputValue::Label, &mut names)?;
        let mut names = plan.samples.outcomes.iter().map(|outcome| format!("samples/outcome/{}", outcome.name));
        let outcomes = numbers(&InputValue::Outcome, &mut names)?;
        let (mut views, mut whole, mut lists) = (Vec::new(), Vec::new(), Vec::new());
        for axis in &plan.axes {
            if matches!(axis.origin, Origin::Draw { .. } | Origin::Visits { .. }) {
                views.push(None);
                whole.push(None);
                lists.push(None);
                continue;
            }
            let name = format!("samples/view/{}", axis.name);
            let starts = read_array::<u32>(container, &format!("{name}/start"), count)?;
            let counts = read_array::<u32>(container, &format!("{name}/count"), count)?;
            let is_list = matches!(axis.origin, Origin::List { .. });
            whole.push(if is_list { Some(read_array(container, &format!("{name}/whole"), count)?) } else { None });
            let mut list = None;
            if matches!(axis.origin, Origin::Lists { .. }) {
                let elements =
                    starts.last().zip(counts.last()).map_or(0, |(start, count)| *start as usize + *count as usize);
                let of = |&feature: &usize| {
                    let feature = &plan.features[feature];
                    read_feature(container, &format!("samples/list/{}/{}", axis.name, feature.name), feature, elements)
                };
                list = Some(axis.features.iter().map(of).collect::<Option<_>>()?);
            }
            views.push(Some((starts, counts)));
            lists.push(list);
        }
        Some(Samples {
            bounds,
            rows: read_array(container, "samples/row", count)?,
            times: read_array(container, "samples/time", count),
            weights: read_array(container, "samples/weight", count),
            keys,
            features,
            labels,
            outcomes,
            views,
            whole,
            lists,
        })
    }

    /// Numbers of the rows of the train part in a container, whatever plan it was written for.
    pub(crate) fn train_rows(container: &Container) -> Option<Vec<u32>> {
        let bounds = read_array::<u64>(container, "samples/bounds", 4)?;
        let rows = container.array::<u32>("samples/row")?;
        rows.get(bounds[0] as usize..bounds[1] as usize).map(<[u32]>::to_vec)
    }

    /// The places of a part's samples.
    pub(crate) fn range(&self, part: Part) -> std::ops::Range<usize> {
        self.bounds[part as usize]..self.bounds[part as usize + 1]
    }
}
