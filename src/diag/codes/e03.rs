//! E03xx: types, axes and arguments.

use super::Explanation;

pub(super) const CODES: &[Explanation] = &[
    Explanation {
        code: "E0301",
        title: "widths do not fit",
        text: "`a + b`, `a * b` and the like take values of equal width, or of width 1 on one side. A width counts the numbers in a row; axes may differ\n\
               freely.",
        example: "model:\n  x: linear(a, 16) + linear(b, 8)",
        fix: "model:\n  x: linear(a, 16) + linear(b, 16)",
    },
    Explanation {
        code: "E0302",
        title: "a value of the wrong element",
        text: "Arithmetic takes numbers. An id becomes numbers by its table, which happens by itself where numbers are needed; a condition becomes numbers\n\
               by `if(condition, 1, 0)`.",
        example: "model:\n  x: sigmoid(price > 3)",
        fix: "model:\n  x: if(price > 3, 1, 0)",
    },
    Explanation {
        code: "E0303",
        title: "ids of another vocabulary",
        text: "A table has rows for the ids of one vocabulary: its own, or that of the table it names by `of:`.",
        example: "tables:\n  wide: {of: movie, dim: 1}\nmodel:\n  x: lookup(genres, wide)",
        fix: "tables:\n  wide: {of: genres, dim: 1}\nmodel:\n  x: lookup(genres, wide)",
    },
    Explanation {
        code: "E0304",
        title: "an axis is left over",
        text: "An output and the score of a metric have one row per sample. A value along a history has one per event, and an axis never goes by itself:\n\
               something reduces it.",
        example: "model:\n  logit: concat(item, history.item) |> mlp([200, 80]) |> linear(1)",
        fix: "model:\n  logit: concat(item, mean(history.item, over=history)) |> mlp([200, 80]) |> linear(1)",
    },
    Explanation {
        code: "E0305",
        title: "a reduction over an axis that the value lacks",
        text: "`sum`, `mean`, `softmax` and the like work along an axis of their value. This value has no such axis, or has lost it before.",
        example: "model:\n  x: sum(item, over=history)",
        fix: "model:\n  x: sum(history.item, over=history)",
    },
    Explanation {
        code: "E0306",
        title: "a parent axis reduced under its child",
        text: "Elements of an inner axis stand under elements of an outer one, as genres do under the events of a history. The outer one cannot be reduced\n\
               while the inner one is there.",
        example: "model:\n  x: mean(history.genres, over=history)      # where genres has `pool: none`",
        fix: "model:\n  per_event: mean(history.genres, over=history.genres)\n  x: mean(per_event, over=history)",
    },
    Explanation {
        code: "E0307",
        title: "`bce` of a probability",
        text: "`bce` takes a logit: from the logit it is computed without overflow, and a sigmoid taken twice learns badly without an error.",
        example: "losses:\n  click: bce(sigmoid(logit), clicked)",
        fix: "losses:\n  click: bce(logit, clicked)",
    },
    Explanation {
        code: "E0308",
        title: "parts that do not divide a width",
        text: "`split(x, heads=8)` cuts the width of `x` into 8 equal parts, so 8 must divide it. The heads of an attention do that to the width of what it attends.",
        example: "features:\n  movie: {type: id, dim: 20}\nmodel:\n  encoded: self_attention(history.movie, over=history, heads=8)",
        fix: "features:\n  movie: {type: id, dim: 24}\nmodel:\n  encoded: self_attention(history.movie, over=history, heads=8)",
    },
    Explanation {
        code: "E0309",
        title: "a loss of several numbers a row",
        text: "A loss is the mean of one number a row. `sum(..., over=width)` or `mean(..., over=width)` makes one of several.",
        example: "losses:\n  near: square(a - b)",
        fix: "losses:\n  near: sum(square(a - b), over=width)",
    },
    Explanation {
        code: "E0310",
        title: "wrong number of arguments",
        text: "A function got more or fewer values than it takes, or one that it needs is missing.",
        example: "model:\n  x: dot(a)",
        fix: "model:\n  x: dot(a, b)",
    },
    Explanation {
        code: "E0311",
        title: "an unknown or missing attribute",
        text: "Each operation of the IR has attributes of fixed names and kinds, `{over: history}` for example. This arises in IR text that was written or\n\
               changed by hand.",
        example: "%x: f32[B, 8] = sum(%h) {along: history}",
        fix: "%x: f32[B, 8] = sum(%h) {over: history}",
    },
    Explanation {
        code: "E0312",
        title: "unknown argument",
        text: "The function has no argument of this name. The message shows those that it has.",
        example: "model:\n  x: mlp(item, [80], dropuot=0.1)",
        fix: "model:\n  x: mlp(item, [80], dropout=0.1)",
    },
    Explanation {
        code: "E0313",
        title: "an argument is not among those allowed",
        text: "The argument is one of a few words, a first value of a parameter, or a number within limits.",
        example: "model:\n  x: din(item, history.item, over=history, weights=sofmax)",
        fix: "model:\n  x: din(item, history.item, over=history, weights=softmax)",
    },
    Explanation {
        code: "E0314",
        title: "a known number is not finite",
        text: "Arithmetic on numbers that stand in the spec is done at once. Its result is a finite number of single precision, below 3.4e38: one that is\n\
               not would reach every value behind it.",
        example: "model:\n  x: item * (1 / 0)",
        fix: "model:\n  x: item * (1 / 10)",
    },
    Explanation {
        code: "E0320",
        title: "calls that share parameters need different ones",
        text: "Calls with the same `share=name` have the same parameters, so these must have the same shapes in all of them.",
        example: "model:\n  x: linear(a, 16, share=s)\n  y: linear(b, 8, share=s)",
        fix: "model:\n  x: linear(a, 16, share=s)\n  y: linear(b, 16, share=s)",
    },
    Explanation {
        code: "E0321",
        title: "a prediction that depends on other samples",
        text: "In serving a sample stands alone, so nothing that reduces or compares along `B`, the axis of samples, may reach\n\
               an output or a metric. In a loss it may: negatives of the same batch are `twin(item, B, as=other)`.",
        example: "model:\n  centred: logit - mean(logit, over=B)\noutputs:\n  ctr: sigmoid(centred)",
        fix: "model:\n  centred: batch_norm(logit)\noutputs:\n  ctr: sigmoid(centred)",
    },
    Explanation {
        code: "E0330",
        title: "a text is not the text form of a graph",
        text: "Graphs are written one item a line: `axis`, `param`, `table`, `state`, `frozen`, `input`, `%value: type = operation(...)`, `loss`, `update`,\n\
               `output`. Something else stands at the mark.",
        example: "model m {\n  input x: f32[B, 1]\n}",
        fix: "model m {\n  axis B: batch\n  input %x: f32[B, 1]\n}",
    },
    Explanation {
        code: "E0331",
        title: "an unknown name in the text of a graph",
        text: "Axes, values and parameters are declared by a line above the one that uses them; operations are those of the registry.",
        example: "model m {\n  axis B: batch\n  input %x: f32[B, 4]\n  %y: f32[B, 1] = sum_width(%z)\n}",
        fix: "model m {\n  axis B: batch\n  input %x: f32[B, 4]\n  %y: f32[B, 1] = sum_width(%x)\n}",
    },
    Explanation {
        code: "E0332",
        title: "a name is declared twice in the text of a graph",
        text: "Axes have names of their own, so have parameters; inputs and computed values share one namespace.",
        example: "model m {\n  axis B: batch\n  axis B: static(2)\n}",
        fix: "model m {\n  axis B: batch\n  axis heads: static(2)\n}",
    },
    Explanation {
        code: "E0333",
        title: "a stated type is not the inferred one",
        text: "Types are inferred from the operation and its operands. The text states them for the reader, and so that a change of meaning does not\n\
               pass in silence.",
        example: "model m {\n  axis B: batch\n  input %x: f32[B, 4]\n  %y: f32[B, 2] = sum_width(%x)\n}",
        fix: "model m {\n  axis B: batch\n  input %x: f32[B, 4]\n  %y: f32[B, 1] = sum_width(%x)\n}",
    },
    Explanation {
        code: "E0340",
        title: "a graph breaks an invariant of the IR",
        text: "The verifier runs around every pass, and this is what it holds graphs to. Hand-written text can break one; a spec that does shows a fault of\n\
               the compiler, which is worth a report.",
        example: "model m {\n  axis B: batch\n  input %x: f32[B, 1]\n  loss l = %x\n}",
        fix: "model m {\n  axis B: batch\n  input %x: f32[B, 1]\n  %l: f32[1] = sum(%x) {over: B}\n  loss l = %l\n}",
    },
    Explanation {
        code: "E0350",
        title: "the model is too large",
        text: "Blocks are expanded where they are called. A block that calls another one twice, which calls a third one twice, and so on, doubles at every\n\
               level; blocks may stand 64 deep in each other.",
        example: "blocks:\n  a(x): {return: b(b(x))}\n  b(x): {return: c(c(x))}      # and so on",
        fix: "blocks:\n  a(x): {return: linear(x, 8)}",
    },
    Explanation {
        code: "E0399",
        title: "a fault of the program",
        text: "A stage of the compiler broke one of its own rules. The spec is not to blame, and nothing was computed from it.",
        example: "any spec",
        fix: "report it together with the spec",
    },
];
