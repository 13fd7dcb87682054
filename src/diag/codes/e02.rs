//! E02xx: names and the structure of a spec.

use super::Explanation;

pub(super) const CODES: &[Explanation] = &[
    Explanation {
        code: "E0201",
        title: "unknown name",
        text: "A name in an expression stands for an axis, a feature, a group or a value of `model`; in `losses` and `metrics` also for a label or an\n\
               outcome, in `metrics` for an output. A block sees its own parameters and values only.",
        example: "model:\n  x: concat(itme, interest)",
        fix: "model:\n  x: concat(item, interest)",
    },
    Explanation {
        code: "E0202",
        title: "unknown function",
        text: "A function is native, a block of the shipped library, or one of the spec's own `blocks`.",
        example: "model:\n  x: sigmod(logit)",
        fix: "model:\n  x: sigmoid(logit)",
    },
    Explanation {
        code: "E0203",
        title: "things that refer to each other in a circle",
        text: "Values of `model` may stand in any order, but none may need itself. The message shows the way around. A state that changes along an axis is\n\
               a `scan`.",
        example: "model:\n  a: linear(b, 8)\n  b: linear(a, 8)",
        fix: "model:\n  a: linear(item, 8)\n  b: linear(a, 8)",
    },
    Explanation {
        code: "E0204",
        title: "a name of another kind",
        text: "The name exists, but stands for something that cannot be used here: groups are made of features, and elements of an axis carry features and\n\
               groups.",
        example: "groups:\n  item: [movie, history]",
        fix: "groups:\n  item: [movie, genres]",
    },
    Explanation {
        code: "E0205",
        title: "a block that calls itself",
        text: "A block is expanded where it is called, so a block that calls itself, directly or through another one, would never end.",
        example: "blocks:\n  deep(x):\n    return: deep(linear(x, 8))",
        fix: "blocks:\n  deep(x):\n    return: linear(linear(x, 8), 8)",
    },
    Explanation {
        code: "E0206",
        title: "another run cannot be read",
        text: "`runs:` names a run directory, as `specrec train` writes it, from the directory of the spec. It must be there, its spec must be one that this\n\
               program reads, and it may not read a run itself.",
        example: "runs:\n  pv: {run: specs/din.yaml, value: hidden}",
        fix: "runs:\n  pv: {run: ../runs/din, value: hidden}",
    },
    Explanation {
        code: "E0207",
        title: "another run gives no such value",
        text: "The value is one of `model` or `outputs` of that run's spec: numbers, one row per sample. A value along an axis is reduced first.",
        example: "runs:\n  pv: {run: ../runs/din, value: history}",
        fix: "runs:\n  pv: {run: ../runs/din, value: interest}",
    },
    Explanation {
        code: "E0208",
        title: "a value of an element, read of the whole list",
        text: "With a `list` axis a sample is all rows of a list. Labels, outcomes and features with `side: item` are those of its elements, and are read along\n\
               the axis; the sample itself has the features of the user and of the request.",
        example: "axes:\n  slate: {list: request, max: 30}\nlosses:\n  click: bce(score, clicked)",
        fix: "losses:\n  click: bce(score, slate.clicked)",
    },
    Explanation {
        code: "E0220",
        title: "unknown source",
        text: "`samples`, joins, axes and parts of a split name sources that stand under `sources`.",
        example: "samples: {from: rating}",
        fix: "samples: {from: ratings}",
    },
    Explanation {
        code: "E0221",
        title: "a join with a source that has no key",
        text: "A join brings one row of the joined source to each of ours, so the source says which of its columns is unique. That it is gets checked when\n\
               the data is read.",
        example: "sources:\n  movies: {path: movies.csv}",
        fix: "sources:\n  movies: {path: movies.csv, key: movieId}",
    },
    Explanation {
        code: "E0222",
        title: "unknown table",
        text: "A table stands under `tables`, or belongs to a feature of ids that names none, and then has the feature's name.",
        example: "features:\n  ad: {type: id, table: adds}",
        fix: "features:\n  ad: {type: id, table: ads}",
    },
    Explanation {
        code: "E0223",
        title: "tables that share a vocabulary in a circle",
        text: "`of:` names the table whose vocabulary is shared; one of them has to have it.",
        example: "tables:\n  ad: {of: wide, dim: 16}\n  wide: {of: ad, dim: 1}",
        fix: "tables:\n  ad: {dim: 16}\n  wide: {of: ad, dim: 1}",
    },
    Explanation {
        code: "E0224",
        title: "a feature without what its type needs",
        text: "A bucket needs its edges, and a vector needs its columns, or `dim` where one column holds all numbers.",
        example: "features:\n  price: {type: bucket}",
        fix: "features:\n  price: {type: bucket, edges: 32}",
    },
    Explanation {
        code: "E0225",
        title: "a split by time without a time",
        text: "To split by time, rows must have one. Leaving out the last rows of each user does without: rows are then in the order of the file.",
        example: "samples:\n  from: ratings\n  split: {by: time, parts: [0.8, 0.1, 0.1]}",
        fix: "samples:\n  from: ratings\n  time: {column: timestamp, unit: s}\n  split: {by: time, parts: [0.8, 0.1, 0.1]}",
    },
    Explanation {
        code: "E0226",
        title: "no loss",
        text: "Without a loss nothing can be trained.",
        example: "losses: {}",
        fix: "losses:\n  click: bce(logit, clicked)",
    },
    Explanation {
        code: "E0227",
        title: "no output",
        text: "Without an output nothing can be predicted.",
        example: "outputs: {}",
        fix: "outputs:\n  ctr: sigmoid(logit)",
    },
    Explanation {
        code: "E0228",
        title: "an unknown metric is monitored",
        text: "`monitor` chooses the best checkpoint by a metric of the spec, or by `loss`.",
        example: "metrics:\n  auc: auc(ctr, clicked)\ntrain: {monitor: gauc}",
        fix: "metrics:\n  auc: auc(ctr, clicked)\ntrain: {monitor: auc}",
    },
    Explanation {
        code: "E0229",
        title: "not a metric",
        text: "A metric is `auc`, `gauc` or `logloss` of a score and a label.",
        example: "metrics:\n  good: ctr * clicked",
        fix: "metrics:\n  good: auc(ctr, clicked)",
    },
    Explanation {
        code: "E0230",
        title: "samples per user that cannot be made",
        text: "A sample per user is the last row of a user's part with everything before it as its history. So the spec must say whose a row is, by the\n\
               split or by an axis of the same source, and no row of a user's past may be in a later part or be left out at random.",
        example: "samples:\n  from: ratings\n  per: user\n  split: {by: random, parts: [0.8, 0.1, 0.1]}",
        fix: "samples:\n  from: ratings\n  per: user\n  split: {by: leave_one_out, of: userId}",
    },
];
