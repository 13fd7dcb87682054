//! E04xx: leaks, and checks of the data section.

use super::Explanation;

pub(super) const CODES: &[Explanation] = &[
    Explanation {
        code: "E0401",
        title: "a label leak",
        text: "A column that a label reads, or that is listed in `outcomes`, is known only after the prediction. It may reach an input only through an axis\n\
               of strictly earlier rows. The check follows columns through `value`, `columns`, joins and the keys of axes.",
        example: "samples:\n  from: ratings\n  labels: {liked: rating >= 4}\nfeatures:\n  rating: number\nmodel:\n  x: concat(item, rating)",
        fix: "samples:\n  from: ratings\n  labels: {liked: rating >= 4}\nfeatures:\n  rating: number\nmodel:\n  x: concat(item, mean(history.rating, over=history))",
    },
    Explanation {
        code: "E0402",
        title: "a label as an input",
        text: "A label is what is predicted. It stands in losses and metrics, and in the `where` of an axis of earlier rows.",
        example: "model:\n  x: concat(item, liked)",
        fix: "model:\n  x: concat(item, interest)",
    },
    Explanation {
        code: "E0403",
        title: "a prediction that reads what is to be predicted",
        text: "A sample of `per: user` is the next row of a user, and its features are those of that row: known in training and to metrics, but not when a\n\
               prediction is made. Only `cloze` may see them, which hides them from everything after it. Features of the user are known: `side: user`.",
        example: "samples:\n  per: user\noutputs:\n  p: sigmoid(dot(movie, mean(history.movie, over=history)))",
        fix: "samples:\n  per: user\noutputs:\n  next: top(scores(mean(history.movie, over=history), movie), k=10)",
    },
    Explanation {
        code: "E0451",
        title: "not supported yet",
        text: "The language can say it, this version cannot read it. The message says what.",
        example: "axes:\n  near: {draw: movie, n: 4, by: uniform, along: [history, past]}",
        fix: "axes:\n  near: {draw: movie, n: 4, by: uniform, along: [history]}",
    },
    Explanation {
        code: "E0452",
        title: "a data expression of the wrong kind",
        text: "Columns are whatever is needed of them: texts, numbers or truth values. But a text is never added, a number is no condition, and nothing equals\n\
               null: `is_null(x)` asks for it.",
        example: "samples:\n  labels: {good: rating + (price > 3)}",
        fix: "samples:\n  labels: {good: rating + if(price > 3, 1, 0)}",
    },
    Explanation {
        code: "E0453",
        title: "something that data expressions do not have",
        text: "Data expressions have columns, arithmetic, comparisons, `and`, `or`, `not`, `if`, `sample.time`, `step.time`, and a few functions; functions of\n\
               the model are not among them.",
        example: "features:\n  price: {type: number, value: sigmoid(price)}",
        fix: "features:\n  price: {type: number, value: log1p(price)}",
    },
    Explanation {
        code: "E0454",
        title: "the data section does not hang together",
        text: "It names a source, a table, a feature or a time that is not there, or leaves out something that what it says needs.",
        example: "samples:\n  split: {by: time, parts: [0.8, 0.1, 0.1]}      # and no `time`",
        fix: "samples:\n  time: {column: timestamp, unit: s}\n  split: {by: time, parts: [0.8, 0.1, 0.1]}",
    },
    Explanation {
        code: "E0455",
        title: "a setting that means nothing",
        text: "The name of an encoding or time zone is unknown, a delimiter is not made of ASCII characters, a share is not between 0 and 1, or edges do not rise.",
        example: "sources:\n  logs: {path: logs.csv, encoding: latin-one}",
        fix: "sources:\n  logs: {path: logs.csv, encoding: latin1}",
    },
];
