//! How many rows every space of a batch has, and which row of a smaller space each row of a larger one belongs to.
//!
//! A space's rows are enumerated like nested loops over its axes in order of declaration: a ragged axis runs over the
//! elements under the current element of its parent. Every map follows from the axes' offsets; none is read from data.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::axis::{Axes, AxisId, AxisKind};
use super::types::Space;

/// The rows of one batch.
#[derive(Debug, Default)]
pub struct Rows {
    axes: Axes,
    /// Per axis, where the elements under each element of its parent begin; two entries for a root.
    offsets: BTreeMap<AxisId, Arc<[u32]>>,
    /// Per sub-axis, the element of the whole axis that each of its elements is.
    kept: BTreeMap<AxisId, Arc<[u32]>>,
    /// The random address of each sample.
    samples: Vec<u64>,
    /// Per axis of distinct rows, the rows of its table, rising.
    unique: BTreeMap<AxisId, Arc<[u32]>>,
    spaces: Mutex<BTreeMap<Space, Arc<SpaceRows>>>,
    /// Answers of [`Rows::map`] and [`Rows::starts`]: one step asks for the same ones in several loops.
    maps: Mutex<BTreeMap<(Space, Space), Arc<[u32]>>>,
    starts: Mutex<BTreeMap<(Space, AxisId), Arc<[u32]>>>,
}

/// The enumeration of one space.
#[derive(Debug)]
struct SpaceRows {
    count: usize,
    /// Per axis of the space, in its order: the element that each row stands at.
    elements: Vec<Arc<[u32]>>,
    /// Where the rows of each row of the space without its last axis begin.
    starts: Arc<[u32]>,
}

/// Why a batch does not fit the axes of a graph.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowsError {
    /// An axis has no offsets.
    #[error("axis `{0}` has no offsets in this batch")]
    Missing(String),
    /// Offsets do not start at 0, fall, or do not have one entry more than the parent has elements.
    #[error("the offsets of axis `{0}` do not fit its parent: expected {1} rising numbers from 0")]
    Broken(String, usize),
    /// More elements under one parent than the axis is said to have.
    #[error("axis `{0}` has more elements than it can have")]
    TooLong(String),
    /// More elements than a `u32` counts.
    #[error("axis `{0}` has more than 4294967295 elements in one batch")]
    TooLarge(String),
}

impl Rows {
    /// The rows of a batch of `samples`, with offsets of the ragged axes by name. Axes that are derived (twins, sub-axes,
    /// appended) follow by themselves or by [`Rows::bind_sub`]; table axes by [`Rows::bind_root`].
    pub fn new(axes: &Axes, samples: &[u64], ragged: &BTreeMap<String, Vec<u32>>) -> Result<Self, RowsError> {
        let mut rows = Self { axes: axes.clone(), samples: samples.to_vec(), ..Self::default() };
        for id in axes.ids() {
            let axis = axes.get(id);
            let own: Option<Arc<[u32]>> = match &axis.kind {
                AxisKind::Batch => Some([0, samples.len() as u32].into()),
                AxisKind::Static { len } => Some([0, *len].into()),
                AxisKind::Rows { .. } | AxisKind::Unique { .. } | AxisKind::Sub { .. } => None,
                AxisKind::Twin { of } => rows.offsets.get(of).cloned(),
                AxisKind::Appended { of } => rows
                    .offsets
                    .get(of)
                    .map(|offsets| offsets.iter().enumerate().map(|(i, &offset)| offset + i as u32).collect()),
                AxisKind::Ragged { .. } => {
                    let given = ragged.get(&axis.name).ok_or_else(|| RowsError::Missing(axis.name.clone()))?;
                    let parents = axis.parent.and_then(|parent| rows.elements(parent)).unwrap_or(1);
                    let rising = given.first() == Some(&0) && given.windows(2).all(|pair| pair[0] <= pair[1]);
                    if !rising || given.len() != parents + 1 {
                        return Err(RowsError::Broken(axis.name.clone(), parents + 1));
                    }
                    Some(given.as_slice().into())
                }
            };
            if let Some(own) = own {
                rows.offsets.insert(id, own);
            }
        }
        Ok(rows)
    }

    /// Says how many rows a table axis has.
    pub fn bind_root(&mut self, axis: AxisId, rows: usize) -> Result<(), RowsError> {
        let rows = u32::try_from(rows).map_err(|_| RowsError::TooLarge(self.axes.get(axis).name.clone()))?;
        self.offsets.insert(axis, [0, rows].into());
        self.bind_derived();
        Ok(())
    }

    /// Says which rows of a table a batch looks up: the elements of an axis of distinct rows, rising.
    pub fn bind_unique(&mut self, axis: AxisId, rows: Vec<u32>) -> Result<(), RowsError> {
        self.bind_root(axis, rows.len())?;
        self.unique.insert(axis, rows.into());
        Ok(())
    }

    /// The rows of the table that an axis of distinct rows stands for, rising.
    pub fn unique(&self, axis: AxisId) -> Arc<[u32]> {
        self.unique.get(&axis).cloned().unwrap_or_else(|| Arc::from([]))
    }

    /// Says which elements of the whole axis a sub-axis keeps: `condition` has one entry per row of the whole axis's
    /// own space, true where it is not 0.
    pub fn bind_sub(&mut self, axis: AxisId, condition: &[f32]) -> Result<(), RowsError> {
        let name = || self.axes.get(axis).name.clone();
        let AxisKind::Sub { of, .. } = self.axes.get(axis).kind else { return Err(RowsError::Missing(name())) };
        let whole = self.offsets.get(&of).cloned().ok_or_else(|| RowsError::Missing(name()))?;
        let mut kept = Vec::new();
        let mut offsets = vec![0u32];
        for pair in whole.windows(2) {
            let range = condition
                .get(pair[0] as usize..pair[1] as usize)
                .ok_or_else(|| RowsError::Broken(name(), whole.len()))?;
            kept.extend((pair[0]..).zip(range).filter(|(_, keep)| **keep != 0.0).map(|(element, _)| element));
            offsets.push(kept.len() as u32);
        }
        self.offsets.insert(axis, offsets.into());
        self.kept.insert(axis, kept.into());
        self.bind_derived();
        Ok(())
    }

    /// Twins and appended axes of axes that were bound late.
    fn bind_derived(&mut self) {
        // A space that was counted before its axis was bound had no rows.
        self.spaces.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
        for id in self.axes.ids() {
            if self.offsets.contains_key(&id) {
                continue;
            }
            let own: Option<Arc<[u32]>> = match &self.axes.get(id).kind {
                AxisKind::Twin { of } => self.offsets.get(of).cloned(),
                AxisKind::Appended { of } => self
                    .offsets
                    .get(of)
                    .map(|offsets| offsets.iter().enumerate().map(|(i, &offset)| offset + i as u32).collect()),
                _ => None,
            };
            if let Some(own) = own {
                self.offsets.insert(id, own);
            }
        }
    }

    /// The axes these rows were made for.
    pub fn axes(&self) -> &Axes {
        &self.axes
    }

    /// The random address of each row of `B`.
    pub fn samples(&self) -> &[u64] {
        &self.samples
    }

    /// Elements of one axis in the whole batch; none before it is bound.
    pub fn elements(&self, axis: AxisId) -> Option<usize> {
        self.offsets.get(&axis).and_then(|offsets| offsets.last()).map(|&n| n as usize)
    }

    /// Where the elements of `axis` under each element of its parent begin (two entries for a root). Empty before it is
    /// bound.
    pub fn offsets(&self, axis: AxisId) -> Arc<[u32]> {
        self.offsets.get(&axis).cloned().unwrap_or_else(|| Arc::from([]))
    }

    /// For every element of a sub-axis, the element of the whole axis that it is. Empty before it is bound.
    pub fn kept(&self, axis: AxisId) -> Arc<[u32]> {
        self.kept.get(&axis).cloned().unwrap_or_else(|| Arc::from([]))
    }

    /// Rows of a space.
    pub fn count(&self, space: &Space) -> usize {
        match space.axes() {
            [] => 1,
            [root] => self.elements(*root).unwrap_or(0),
            _ => self.space(space).count,
        }
    }

    /// For every row of `from`, the element of `axis` it stands at.
    pub fn element(&self, from: &Space, axis: AxisId) -> Arc<[u32]> {
        let at = from.axes().iter().position(|&own| own == axis);
        match at {
            Some(at) => self.space(from).elements[at].clone(),
            None => Arc::from([]),
        }
    }

    /// For every row of `from`, the row of `to` it belongs to; `from` must cover `to`.
    pub fn map(&self, from: &Space, to: &Space) -> Arc<[u32]> {
        // The unit space has no column that says how often its one row is asked for.
        if to.is_unit() {
            return vec![0; self.count(from)].into();
        }
        remember(&self.maps, (from.clone(), to.clone()), || {
            let columns: Vec<Arc<[u32]>> = to.axes().iter().map(|&axis| self.element(from, axis)).collect();
            self.find(to, &columns)
        })
    }

    /// The rows of a space that stand at given elements: a column of elements for each of its axes.
    pub fn find(&self, space: &Space, columns: &[Arc<[u32]>]) -> Arc<[u32]> {
        let (Some(&last), Some(own)) = (space.axes().last(), columns.last()) else { return Arc::from([]) };
        // A space of one axis and its ancestors has a row per element.
        if self.axes.close(&[last]) == *space {
            return own.clone();
        }
        let mut rows = vec![0u32; own.len()];
        for (depth, (&axis, own)) in space.axes().iter().zip(columns).enumerate() {
            let prefix = self.space(&Space::from_closed(space.axes()[..=depth].to_vec()));
            let offsets = self.offsets(axis);
            let parent =
                self.axes.get(axis).parent.and_then(|parent| space.axes().iter().position(|&own| own == parent));
            for (row, value) in rows.iter_mut().enumerate() {
                let first = parent.map_or(0, |at| offsets[columns[at][row] as usize]);
                *value = prefix.starts[*value as usize] + own[row] - first;
            }
        }
        rows.into()
    }

    /// Where the rows of each sample begin in a space that has `batch` as its outermost axis: `samples + 1` entries.
    /// Rows of a sample are contiguous, which is what lets a block of samples be computed by itself.
    pub fn sample_starts(&self, space: &Space) -> Arc<[u32]> {
        match space.axes() {
            [] => Arc::from([0, 1]),
            [batch, ..] => self.starts(space, *batch),
        }
    }

    /// The same for each element of `axis`, before which `space` has none but its ancestors.
    pub fn starts(&self, space: &Space, axis: AxisId) -> Arc<[u32]> {
        remember(&self.starts, (space.clone(), axis), || self.find_starts(space, axis))
    }

    fn find_starts(&self, space: &Space, axis: AxisId) -> Arc<[u32]> {
        let elements = self.elements(axis).unwrap_or(0);
        let behind = space.axes().iter().skip_while(|&&own| own != axis).skip(1).collect::<Vec<_>>();
        match behind[..] {
            [] => return (0..=elements as u32).collect(),
            [&own] if self.axes.get(own).parent == Some(axis) => return self.offsets(own),
            _ => {}
        }
        let mut starts = vec![0u32; elements + 1];
        for &element in self.element(space, axis).iter() {
            starts[element as usize + 1] += 1;
        }
        for i in 0..elements {
            starts[i + 1] += starts[i];
        }
        starts.into()
    }

    fn space(&self, space: &Space) -> Arc<SpaceRows> {
        remember(&self.spaces, space.clone(), || Arc::new(self.enumerate(space)))
    }

    fn enumerate(&self, space: &Space) -> SpaceRows {
        let Some((&last, outer)) = space.axes().split_last() else {
            return SpaceRows { count: 1, elements: Vec::new(), starts: Arc::from([0, 1]) };
        };
        let prefix = self.space(&Space::from_closed(outer.to_vec()));
        let offsets = self.offsets(last);
        let parent = self.axes.get(last).parent.and_then(|parent| outer.iter().position(|&axis| axis == parent));
        let (mut starts, mut repeat, mut own) = (Vec::with_capacity(prefix.count + 1), Vec::new(), Vec::new());
        starts.push(0u32);
        for row in 0..prefix.count {
            let element = parent.map_or(0, |at| prefix.elements[at][row] as usize);
            let (from, to) = match offsets.get(element..element + 2) {
                Some(pair) => (pair[0], pair[1]),
                None => (0, 0),
            };
            own.extend(from..to);
            repeat.extend(std::iter::repeat_n(row as u32, (to - from) as usize));
            starts.push(own.len() as u32);
        }
        let spread = |elements: &Arc<[u32]>| repeat.iter().map(|&row| elements[row as usize]).collect::<Arc<[u32]>>();
        let mut elements: Vec<Arc<[u32]>> = prefix.elements.iter().map(spread).collect();
        let count = own.len();
        elements.push(own.into());
        SpaceRows { count, elements, starts: starts.into() }
    }
}

/// The remembered answer, or a new one. The lock is not held while it is found, since finding one asks for others.
fn remember<K: Ord, V: Clone>(answers: &Mutex<BTreeMap<K, V>>, key: K, find: impl FnOnce() -> V) -> V {
    let known = answers.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
    if let Some(known) = known {
        return known;
    }
    let found = find();
    answers.lock().unwrap_or_else(PoisonError::into_inner).insert(key, found.clone());
    found
}

#[cfg(test)]
mod tests {
    use super::super::axis::Axis;
    use super::*;

    #[test]
    fn pair_spaces_follow_from_per_sample_offsets() {
        let mut axes = Axes::default();
        let b = axes.add(Axis { name: "B".into(), parent: None, kind: AxisKind::Batch });
        let ragged = AxisKind::Ragged { max: None };
        let slate = axes.add(Axis { name: "slate".into(), parent: Some(b), kind: ragged.clone() });
        let history = axes.add(Axis { name: "history".into(), parent: Some(b), kind: ragged });
        let offsets = BTreeMap::from([("slate".to_owned(), vec![0, 2, 3]), ("history".to_owned(), vec![0, 1, 3])]);
        let rows = Rows::new(&axes, &[7, 9], &offsets).unwrap();
        let pair = axes.close(&[slate, history]);
        // Sample 0: slate 0, 1 with history 0; sample 1: slate 2 with history 1, 2.
        assert_eq!(rows.count(&pair), 4);
        assert_eq!(rows.map(&pair, &axes.close(&[history])).as_ref(), [0, 0, 1, 2]);
        assert_eq!(rows.map(&pair, &axes.close(&[slate])).as_ref(), [0, 1, 2, 2]);
        assert_eq!(rows.map(&pair, &axes.close(&[b])).as_ref(), [0, 0, 1, 1]);
        assert_eq!(rows.sample_starts(&pair).as_ref(), [0, 2, 4]);
        assert_eq!(rows.map(&pair, &pair).as_ref(), [0, 1, 2, 3]);
    }

    #[test]
    fn offsets_that_do_not_fit_are_an_error() {
        let mut axes = Axes::default();
        let b = axes.add(Axis { name: "B".into(), parent: None, kind: AxisKind::Batch });
        axes.add(Axis { name: "history".into(), parent: Some(b), kind: AxisKind::Ragged { max: None } });
        let broken = BTreeMap::from([("history".to_owned(), vec![0, 3, 2])]);
        assert!(matches!(Rows::new(&axes, &[1, 2], &broken), Err(RowsError::Broken(..))));
        assert!(matches!(Rows::new(&axes, &[1, 2], &BTreeMap::new()), Err(RowsError::Missing(_))));
    }

    #[test]
    fn a_sub_axis_keeps_the_chosen_elements() {
        let mut axes = Axes::default();
        let b = axes.add(Axis { name: "B".into(), parent: None, kind: AxisKind::Batch });
        let steps = axes.add(Axis { name: "steps".into(), parent: Some(b), kind: AxisKind::Ragged { max: None } });
        let condition = super::super::graph::ValueId(0);
        let chosen = axes.add(Axis { name: "c".into(), parent: Some(b), kind: AxisKind::Sub { of: steps, condition } });
        let offsets = BTreeMap::from([("steps".to_owned(), vec![0, 3, 3, 5])]);
        let mut rows = Rows::new(&axes, &[1, 2, 3], &offsets).unwrap();
        rows.bind_sub(chosen, &[1.0, 0.0, 1.0, 0.0, 1.0]).unwrap();
        assert_eq!(rows.offsets(chosen).as_ref(), [0, 2, 2, 3]);
        assert_eq!(rows.kept(chosen).as_ref(), [0, 2, 4]);
    }
}
