//! What an input of a graph is read from: the only thing that the data layer and the graph must agree on.

/// Where the values of a graph input come from. The input's name is its path: `movie`, `history.movie`, `liked`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputSource {
    /// A feature of the sample (`axis` none) or of each element of an axis. A number with a missing flag is two wide.
    /// Several ids (`type: ids`) stand on a ragged axis of the input's own name under the sample or the element.
    Feature {
        /// The axis, or none for the sample itself.
        axis: Option<String>,
        /// The feature.
        feature: String,
        /// Whether the item brings it, and not the user or the context: of a request, each candidate has its own.
        of_item: bool,
    },
    /// A label as 0, 1 or a number; null is NaN and leaves the loss.
    Label {
        /// The axis (lists), or none for the sample itself.
        axis: Option<String>,
        /// The label.
        label: String,
    },
    /// A raw outcome column as a number (for losses and metrics only).
    Outcome {
        /// The axis (lists), or none.
        axis: Option<String>,
        /// The column.
        column: String,
    },
    /// A feature of the event that a next-item sample is to predict: known in training and to metrics, to no prediction.
    Target {
        /// The feature.
        feature: String,
    },
    /// The log of the probability with which each element of a drawn axis is drawn.
    LogQ {
        /// The axis.
        axis: String,
    },
    /// How many elements of each sample's whole list have a positive label, those that `cut` left out included.
    Positives {
        /// The axis of the list.
        axis: String,
        /// The label.
        label: String,
    },
    /// A value of another run, frozen, of the sample or of each element of a list.
    Run {
        /// The axis (lists), or none.
        axis: Option<String>,
        /// The entry of `runs:`.
        run: String,
    },
    /// The sample's weight in the loss: 1, or 1/keep after downsampling.
    Weight,
    /// A number that the training loop sets before each step: `lr`, `step`, `tables_lr`.
    Schedule(String),
}

/// The axis that every spec has without saying so: the complete earlier rows of the user of a sample, in the samples' own
/// source, cut by no `last`.
pub const SEEN: &str = "B.seen";

impl InputSource {
    /// The source that an input's name alone stands for: the feature of that name, along the axis before its last dot.
    pub fn plain(name: &str) -> Self {
        let (axis, feature) = match name.rsplit_once('.') {
            Some((axis, feature)) => (Some(axis.to_owned()), feature.to_owned()),
            None => (None, name.to_owned()),
        };
        InputSource::Feature { axis, feature, of_item: false }
    }

    /// Whether it is what [`InputSource::plain`] says, whoever brings it.
    pub fn is_plain(&self, name: &str) -> bool {
        match (self, Self::plain(name)) {
            (Self::Feature { axis, feature, .. }, Self::Feature { axis: own, feature: known, .. }) => {
                (axis, feature) == (&own, &known)
            }
            _ => false,
        }
    }

    /// Whether each candidate of a request has its own. A value of another run may follow from the item, so it counts too.
    pub fn is_of_item(&self) -> bool {
        matches!(self, InputSource::Feature { of_item: true, .. } | InputSource::Run { axis: None, .. })
    }

    /// Whether it tells what is to be predicted, or how much: nothing that an inference graph may read.
    pub fn is_of_training(&self) -> bool {
        !matches!(self, InputSource::Feature { .. } | InputSource::Run { .. })
    }
}
