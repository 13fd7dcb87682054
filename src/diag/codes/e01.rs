//! E01xx: the YAML of a spec, and the syntax of its expressions.

use super::Explanation;

pub(super) const CODES: &[Explanation] = &[
    Explanation {
        code: "E0101",
        title: "the file is not YAML",
        text: "YAML itself cannot read the file, so nothing behind this place is known. The commonest reasons are entries of one map that are not\n\
               indented alike, a tab, a text that holds `: ` without quotes, and an expression that starts with a quote.",
        example: "axes:\n  views: {from: logs, by: user, last: 50, where: \"pv\" == act}",
        fix: "axes:\n  views: {from: logs, by: user, last: 50, where: act == \"pv\"}",
    },
    Explanation {
        code: "E0102",
        title: "unknown key",
        text: "Every key of a spec is known beforehand, so a misspelt one is an error and not a setting that silently does nothing.",
        example: "features:\n  movie: {type: id, dimension: 16}",
        fix: "features:\n  movie: {type: id, dim: 16}",
    },
    Explanation {
        code: "E0103",
        title: "a key stands twice in one map",
        text: "Only one of the two could hold. The second is left out while the rest of the file is checked.",
        example: "losses:\n  click: bce(a, clicked)\n  click: bce(b, clicked)",
        fix: "losses:\n  click: bce(a, clicked)\n  other: bce(b, clicked)",
    },
    Explanation {
        code: "E0104",
        title: "wrong kind of value",
        text: "A list where a text is expected, a text where a number is, a map where an expression is, or nothing at all.",
        example: "features:\n  movie: {type: id, dim: wide}",
        fix: "features:\n  movie: {type: id, dim: 16}",
    },
    Explanation {
        code: "E0105",
        title: "a key is missing",
        text: "An entry has keys without which it says nothing: a source needs `path`, a feature needs `type`, an axis needs one origin.",
        example: "features:\n  movie: {column: movie_id}",
        fix: "features:\n  movie: {type: id, column: movie_id}",
    },
    Explanation {
        code: "E0106",
        title: "a flow map swallowed the comma of a call",
        text: "Inside `{...}` and `[...]` YAML ends a value at the first comma: `{click: bce(a, b)}` has the keys `click` and `b)`. An expression with a\n\
               comma stands in block style, or in quotes.",
        example: "losses: {click: bce(logit, liked)}",
        fix: "losses:\n  click: bce(logit, liked)",
    },
    Explanation {
        code: "E0107",
        title: "a spec cannot be read",
        text: "The file is not there, is no text in UTF-8, or may not be read. A path in a spec is relative to the file that holds it.",
        example: "extends: bsae.yaml",
        fix: "extends: base.yaml",
    },
    Explanation {
        code: "E0108",
        title: "a spec extends itself",
        text: "Following `extends` leads back to a file that is being read. What two specs share stands in a third one.",
        example: "# a.yaml\nextends: b.yaml\n# b.yaml\nextends: a.yaml",
        fix: "# a.yaml and b.yaml\nextends: common.yaml",
    },
    Explanation {
        code: "E0109",
        title: "an expression cannot be read",
        text: "The expression breaks the grammar at the marked place. Operators are `|>`, `or`, `and`, `not`, comparison, `+ - * / %` and `^`;\n\
               there are calls `f(x, name=y)`, lists `[1, 2]`, `if(condition, a, b)`, texts in either quote, and members such as `history.item`.",
        example: "model:\n  logit: linear(x, 1",
        fix: "model:\n  logit: linear(x, 1)",
    },
    Explanation {
        code: "E0110",
        title: "an expression is nested too deep",
        text: "An expression may be 256 operators and brackets deep, 64 of them brackets, and a constant may have 10,000 parts; more is no model that\n\
               a person wrote. Every line under `model` is a value that later lines can use.",
        example: "model:\n  x: (((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((a",
        fix: "model:\n  x: (a)",
    },
    Explanation {
        code: "E0111",
        title: "a number or text cannot be read",
        text: "A number is too large for 64 bits, or a text holds an escape that does not exist. Known escapes are `\\\\`, `\\\"`, `\\'`, `\\n`, `\\r`, `\\t`.",
        example: "model:\n  x: y * 1e999",
        fix: "model:\n  x: y * 1e9",
    },
    Explanation {
        code: "E0112",
        title: "a value is not among those allowed",
        text: "The key takes one of a few words, or a number within limits.",
        example: "features:\n  tags: {type: ids, pool: average}",
        fix: "features:\n  tags: {type: ids, pool: mean}",
    },
    Explanation {
        code: "E0113",
        title: "an argument stands in the wrong order",
        text: "In a call, arguments without a name come before those with one; in a signature, parameters without a default come before those with one.",
        example: "model:\n  x: din(query=item, history)",
        fix: "model:\n  x: din(item, keys=history)",
    },
    Explanation {
        code: "E0114",
        title: "an argument or parameter stands twice",
        text: "A call names one argument twice, or a signature one parameter.",
        example: "model:\n  x: mlp(y, activation=relu, activation=tanh)",
        fix: "model:\n  x: mlp(y, activation=relu)",
    },
    Explanation {
        code: "E0115",
        title: "`--set` cannot be applied",
        text: "`--set a.b.c=value` puts a YAML value at a path of keys. The path may make new maps, but cannot go through a text, a number or a list.",
        example: "specrec train specs/din.yaml --set train.batch.size=1024",
        fix: "specrec train specs/din.yaml --set train.batch=1024",
    },
    Explanation {
        code: "E0116",
        title: "keys exclude each other",
        text: "An entry says two things of which one can hold: two origins of an axis, a column beside a value, two forms of a split. A map that extends\n\
               another keeps the other's keys; `key: ~` removes one.",
        example: "features:\n  hour: {type: id, column: hour, value: hour(ts)}",
        fix: "features:\n  hour: {type: id, value: hour(ts)}",
    },
    Explanation {
        code: "E0117",
        title: "no such constant",
        text: "`{name}` inside a text stands for a constant of `let`; it may use constants above it only. A brace itself is written `{{`.",
        example: "let: {data: /mnt/logs}\nsources:\n  logs: {path: \"{date}/a.csv\"}",
        fix: "let: {data: /mnt/logs}\nsources:\n  logs: {path: \"{data}/a.csv\"}",
    },
    Explanation {
        code: "E0118",
        title: "a description does not spread out",
        text: "A feature named `C1..C26` stands for `C1`, `C2` and so on to `C26`: one prefix and two rising numbers. In its `value`,\n\
               `C` is the column of each: `I1..I13: {type: number, value: log(1 + I)}`.",
        example: "features:\n  C1..D26: {type: id}",
        fix: "features:\n  C1..C26: {type: id}",
    },
    Explanation {
        code: "E0119",
        title: "a name is taken",
        text: "Two things that meet in expressions have one name: a feature inside `C1..C26` and one beside it, two blocks, or a constant and a value,\n\
               which the constant would hide.",
        example: "features:\n  C1..C3: {type: id}\n  C2: {type: number}",
        fix: "features:\n  C1..C3: {type: id}\n  I2: {type: number}",
    },
    Explanation {
        code: "E0120",
        title: "unknown version of the language",
        text: "The first line of a spec says which version of the language it is written in. This program reads version 1.",
        example: "specrec: 2",
        fix: "specrec: 1",
    },
    Explanation {
        code: "E0121",
        title: "a part of YAML that specs do not use",
        text: "Tags (`!name`), keys that are maps or lists, several documents in one file, and aliases that repeat values without end are not read.",
        example: "model:\n  kept: !not rejected",
        fix: "model:\n  kept: not rejected",
    },
    Explanation {
        code: "E0122",
        title: "not a name",
        text: "What an expression refers to is named by letters, digits and `_`, does not start with a digit, and is no keyword (`and`, `or`, `not`, `if`,\n\
               `true`, `false`, `null`). Columns and files may have any name.",
        example: "features:\n  user-id: id",
        fix: "features:\n  user: {type: id, column: user-id}",
    },
    Explanation {
        code: "E0123",
        title: "the parts of the split do not add up",
        text: "`parts` are two or three fractions of the rows, for training, validation and test, whose sum is 1.",
        example: "samples: {from: logs, split: {by: time, parts: [0.8, 0.1, 0.2]}}",
        fix: "samples: {from: logs, split: {by: time, parts: [0.8, 0.1, 0.1]}}",
    },
];
