//! An axis is an object, not a string: two axes are the same only if they are the same entry of this arena.

use super::graph::ValueId;
use super::types::{Space, Type};

/// Handle of an axis; the order of handles is the order of declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AxisId(pub(super) u32);

/// One axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// Its name, unique in the graph.
    pub name: String,
    /// The axis that each of its elements stands under; none for a root.
    pub parent: Option<AxisId>,
    /// Where its elements come from.
    pub kind: AxisKind,
}

/// Where the elements of an axis come from, and so who knows how many there are.
#[derive(Clone, Debug, PartialEq)]
pub enum AxisKind {
    /// The samples of a batch (`B`) or the requests of a call; a root.
    Batch,
    /// A varying number under each element of the parent, none possible; offsets come with the batch.
    Ragged {
        /// Most elements under one parent, if the spec bounds it.
        max: Option<u32>,
    },
    /// The same number everywhere: heads, stacked fields; a root.
    Static {
        /// How many.
        len: u32,
    },
    /// Every row of a table, `|movie|`; a root. Its size is a symbol until vocabularies are bound.
    Rows {
        /// The table.
        table: String,
    },
    /// The distinct rows of a table that this batch looks up, `movie!`; a root.
    Unique {
        /// The table.
        table: String,
    },
    /// The elements of `of` for which a condition holds, packed: `history|chosen`.
    Sub {
        /// The whole axis; same parent.
        of: AxisId,
        /// The condition, known before the step.
        condition: ValueId,
    },
    /// A second copy of `of`: what makes self-attention a pair space.
    Twin {
        /// The first copy; same parent.
        of: AxisId,
    },
    /// `of` with one more element at its end.
    Appended {
        /// The shorter axis; same parent.
        of: AxisId,
    },
}

/// All axes of a graph.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Axes {
    list: Vec<Axis>,
}

impl Axes {
    /// Adds an axis. The parent must be of this arena, which its handle shows.
    pub(super) fn add(&mut self, axis: Axis) -> AxisId {
        self.list.push(axis);
        AxisId(self.list.len() as u32 - 1)
    }

    /// The axis behind a handle of this arena.
    pub fn get(&self, id: AxisId) -> &Axis {
        &self.list[id.0 as usize]
    }

    /// The axis of a name.
    pub fn find(&self, name: &str) -> Option<AxisId> {
        self.list.iter().position(|axis| axis.name == name).map(|i| AxisId(i as u32))
    }

    /// Every handle in order of declaration.
    pub fn ids(&self) -> impl Iterator<Item = AxisId> + use<> {
        (0..self.list.len() as u32).map(AxisId)
    }

    /// The smallest space that holds `axes`: their ancestors added, ordered by declaration.
    pub fn close(&self, axes: &[AxisId]) -> Space {
        let mut closed = Vec::new();
        for &axis in axes {
            let mut next = Some(axis);
            while let Some(id) = next {
                if !closed.contains(&id) {
                    closed.push(id);
                }
                next = self.get(id).parent;
            }
        }
        closed.sort();
        Space::from_closed(closed)
    }

    /// `space` without `over`, or the child that forbids it: a parent cannot go while its child is present.
    pub fn without(&self, space: &Space, over: &[AxisId]) -> Result<Space, AxisId> {
        let left: Vec<AxisId> = space.axes().iter().copied().filter(|axis| !over.contains(axis)).collect();
        match left.iter().find(|&&axis| self.get(axis).parent.is_some_and(|parent| over.contains(&parent))) {
            Some(&child) => Err(child),
            None => Ok(Space::from_closed(left)),
        }
    }

    /// `space` with `from` replaced by `to`, an axis of the same parent (twin, sub-axis, appended axis). None if an axis
    /// under `from` is present: its elements would lose their parent.
    pub fn replace(&self, space: &Space, from: AxisId, to: AxisId) -> Option<Space> {
        let left = self.without(space, &[from]).ok()?;
        Some(left.unite(&self.close(&[to])))
    }

    /// The most elements that an axis has under one parent, where that is known before any data.
    pub fn bound(&self, axis: AxisId) -> Option<u32> {
        match &self.get(axis).kind {
            AxisKind::Ragged { max } => *max,
            AxisKind::Static { len } => Some(*len),
            AxisKind::Sub { of, .. } | AxisKind::Twin { of } => self.bound(*of),
            AxisKind::Appended { of } => self.bound(*of)?.checked_add(1),
            AxisKind::Batch | AxisKind::Rows { .. } | AxisKind::Unique { .. } => None,
        }
    }

    /// The length of an axis that is the same everywhere: a static one, or a twin of one.
    pub fn fixed(&self, axis: AxisId) -> Option<u32> {
        match &self.get(axis).kind {
            AxisKind::Static { len } => Some(*len),
            AxisKind::Twin { of } => self.fixed(*of),
            _ => None,
        }
    }

    /// The root that counts samples (`B`, `request`), if `space` has one.
    pub fn batch_of(&self, space: &Space) -> Option<AxisId> {
        space.axes().iter().copied().find(|&axis| matches!(self.get(axis).kind, AxisKind::Batch))
    }

    /// Axis names, outermost first.
    pub fn names(&self, space: &Space) -> Vec<&str> {
        space.axes().iter().map(|&axis| self.get(axis).name.as_str()).collect()
    }

    /// A type as every printed line and every error shows it: `f32[B, history, 24]`, `f32[80 x 40]`, `id<movie>[B]`.
    pub fn show(&self, ty: &Type) -> String {
        use super::types::Elem;
        let mut parts: Vec<String> = self.names(&ty.space).into_iter().map(str::to_owned).collect();
        let element = match &ty.elem {
            Elem::F32 => "f32".to_owned(),
            Elem::Bool => "bool".to_owned(),
            Elem::Id(vocabulary) => format!("id<{vocabulary}>"),
            Elem::Index(axis) => format!("index<{}>", self.get(*axis).name),
        };
        let scalar_kind = !matches!(ty.elem, Elem::F32);
        match (ty.height, scalar_kind && ty.width == 1) {
            (1, true) => {}
            (1, false) => parts.push(ty.width.to_string()),
            (height, _) => parts.push(format!("{height} x {}", ty.width)),
        }
        format!("{element}[{}]", parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axes() -> (Axes, AxisId, AxisId, AxisId, AxisId) {
        let mut axes = Axes::default();
        let b = axes.add(Axis { name: "B".into(), parent: None, kind: AxisKind::Batch });
        let history =
            axes.add(Axis { name: "history".into(), parent: Some(b), kind: AxisKind::Ragged { max: Some(50) } });
        let genres = axes.add(Axis {
            name: "history.genres".into(),
            parent: Some(history),
            kind: AxisKind::Ragged { max: None },
        });
        let slate = axes.add(Axis { name: "slate".into(), parent: Some(b), kind: AxisKind::Ragged { max: None } });
        (axes, b, history, genres, slate)
    }

    #[test]
    fn a_space_is_closed_under_parent_and_ordered_by_declaration() {
        let (axes, b, history, genres, slate) = axes();
        assert_eq!(axes.close(&[slate, genres]).axes(), [b, history, genres, slate]);
        assert_eq!(axes.close(&[slate]).unite(&axes.close(&[history])).axes(), [b, history, slate]);
        assert_eq!(axes.show(&Type::f32(axes.close(&[history]), 24)), "f32[B, history, 24]");
        assert_eq!(axes.show(&Type::id("movie", axes.close(&[b]))), "id<movie>[B]");
        assert_eq!(axes.show(&Type::matrix(80, 40)), "f32[80 x 40]");
    }

    #[test]
    fn a_parent_cannot_be_reduced_under_its_child() {
        let (axes, b, history, genres, _) = axes();
        let space = axes.close(&[genres]);
        assert_eq!(axes.without(&space, &[history]), Err(genres));
        assert_eq!(axes.without(&space, &[genres, history]).unwrap().axes(), [b]);
    }
}
