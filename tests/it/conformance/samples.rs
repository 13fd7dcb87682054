//! Graphs that use each operation of the registry, as text.
//!
//! Inputs are drawn at random by type, away from 0. An input whose name begins with `positive` is positive, one whose name
//! begins with `label` is 0, 1 or null. The axes `h`, `g` (under `h`) and `s` have the lengths of the batch at hand; table
//! `t` has six rows.

/// An operation and the lines of a graph that uses it. The axes of [`AXES`] are there already.
pub(super) type Sample = (&'static str, &'static str);

/// What every sample begins with.
pub(super) const AXES: &str = "
    axis B: batch
    axis h: ragged(4) of B
    axis g: ragged of h
    axis s: ragged of B
    axis |t|: rows of t
    axis t!: distinct rows of t
";

/// Samples of pure operations, by name of the operation; one with several meanings has several.
pub(super) const SAMPLES: &[Sample] = &[
    ("abs", "input %x: f32[B, h, 2] %y: f32[B, h, 2] = abs(%x)"),
    ("add", "input %x: f32[B, h, 2] input %y: f32[B, 2] %z: f32[B, h, 2] = add(%x, %y)"),
    ("add", "input %x: f32[B, h, 1] input %y: f32[B, s, 2] %z: f32[B, h, s, 2] = add(%x, %y)"),
    ("and", "input %x: bool[B, h] input %y: bool[B, s] %z: bool[B, h, s] = and(%x, %y)"),
    (
        "append",
        "axis a: append of h input %x: f32[B, h, 2] input %y: f32[B, 2] %z: f32[B, a, 2] = append(%x, %y) {as: a, of: h}",
    ),
    (
        "attention",
        "input %x: f32[B, h, 4] input %y: f32[B, h, 4] input %z: f32[B, h, 4] %r: f32[B, h, 4] =
        attention(%x, %y, %z) {causal: true, heads: 2, over: h, rate: 0.3, scale: 0.7, stream: \"a\"}",
    ),
    (
        "attention",
        "axis n: static(2) input %x: f32[B, s, n, 2] input %y: f32[B, h, n, 2] input %z: f32[B, h, n, 2]
        %r: f32[B, s, n, 2] =
        attention(%x, %y, %z) {causal: false, heads: 1, over: h, rate: 0.3, scale: 1, stream: \"a\"}",
    ),
    (
        "attention_grad",
        "input %g: f32[B, h, s, 2] input %x: f32[B, h, s, 2] input %y: f32[B, h, s, 2] input %z: f32[B, h, s, 2]
        %q: f32[B, h, s, 2], %k: f32[B, h, s, 2], %v: f32[B, h, s, 2] = attention_grad(%g, %x, %y, %z)
        {causal: true, heads: 1, over: h, rate: 0.3, scale: 1, stream: \"a\"}",
    ),
    (
        "attention_grad",
        "input %g: f32[B, s, 6] input %x: f32[B, s, 6] input %y: f32[B, h, 6] input %z: f32[B, h, 6]
        %q: f32[B, s, 6], %k: f32[B, h, 6], %v: f32[B, h, 6] = attention_grad(%g, %x, %y, %z)
        {causal: false, heads: 3, over: h, rate: 0, scale: 0.5, stream: \"\"}",
    ),
    (
        "batch_norm",
        "state @m: f32[2] = 0 state @v: f32[2] = 1 input %x: f32[B, h, 2] %positive: f32[2] = square(@v)
        %y: f32[B, h, 2] = batch_norm(%x, @m, %positive) {eps: 0.1, momentum: 0.1}",
    ),
    ("bce", "input %x: f32[B, h, 1] input %label: f32[B, 1] %y: f32[B, h, 1] = bce(%x, %label)"),
    ("bce", "input %x: f32[B, 2] input %y: f32[B, 2] %z: f32[B, 2] = bce(%x, %y)"),
    ("bce_grad", "input %x: f32[B, h, 1] input %label: f32[B, 1] %y: f32[B, h, 1] = bce_grad(%x, %label)"),
    ("before", "axis p: twin of h %y: bool[B, h, p] = before() {first: p, second: h, strict: true}"),
    ("before", "axis i: static(3) axis j: twin of i %y: bool[i, j] = before() {first: i, second: j, strict: true}"),
    ("before", "%y: bool[B, h, s] = before() {first: s, second: h, strict: false}"),
    (
        "best",
        "axis n: static(3) table @t: f32[|t|, 2] = normal(1) table @b: f32[|t|, 1] = 0 input %x: f32[B, 2]
        input %seen: index<|t|>[B, h] %y: index<|t|>[B, n], %z: f32[B, n, 1] =
        best(%x, @t, %seen, @b) {as: n, from: 1}",
    ),
    ("bin", "axis n: static(2) input %x: f32[B, h, 1] %y: index<n>[B, h] = bin(%x) {to: n}"),
    ("choose", "input %c: bool[B, h] input %x: f32[B, h, 2] input %y: f32[B, 1] %z: f32[B, h, 2] = choose(%c, %x, %y)"),
    ("choose", "input %c: bool[B] input %x: id<t>[B] input %y: id<t>[B, h] %z: id<t>[B, h] = choose(%c, %x, %y)"),
    (
        "cloze",
        "input %x: id<t>[B, h] %t: id<t>[B, h], %c: bool[B, h] = cloze(%x) {last: 0.1, mask: 1, over: h, rate: 0.4, stream: \"c\"}",
    ),
    (
        "concat",
        "input %x: f32[B, h, 2] input %y: f32[B, 1] input %z: f32[B, s, 3] %r: f32[B, h, s, 6] = concat(%x, %y, %z)",
    ),
    ("constant", "%y: f32[3] = constant() {value: 1.5, width: 3}"),
    ("contract", "input %x: f32[B, h, 2] input %y: f32[B, s, 1] %z: f32[B, s, 2] = contract(%x, %y) {over: h}"),
    (
        "contract",
        "axis i: static(2) axis j: static(3) param @w: f32[i, j, 1] = 1 input %x: f32[i, 2] %z: f32[j, 2] = contract(%x, @w) {over: i}",
    ),
    ("count", "%y: f32[B, h, 1] = count() {of: g, over: g}"),
    ("count", "%y: f32[1] = count() {of: [B, s], over: [B, s]}"),
    (
        "cross_entropy",
        "table @t: f32[|t|, 2] = normal(1) input %x: f32[B, h, 2] input %i: index<|t|>[B, h] table @b: f32[|t|, 1] = 0
        %y: f32[B, h, 1], %s: f32[B, h, 1] = cross_entropy(%x, @t, %i, @b) {from: 1}",
    ),
    (
        "cross_entropy_grad",
        "table @t: f32[|t|, 2] = normal(1) input %x: f32[B, h, 2] input %i: index<|t|>[B, h] input %g: f32[B, h, 1]
        %l: f32[B, h, 1], %s: f32[B, h, 1] = cross_entropy(%x, @t, %i) {from: 0}
        %y: f32[B, h, 2], %z: f32[|t|, 2] = cross_entropy_grad(%g, %s, %x, @t, %i) {from: 0}",
    ),
    (
        "cross_entropy_grad",
        "table @t: f32[|t|, 2] = normal(1) input %x: f32[B, h, 2] input %i: index<|t|>[B, h] table @b: f32[|t|, 1] = 0
        input %g: f32[B, h, 1] %l: f32[B, h, 1], %s: f32[B, h, 1] = cross_entropy(%x, @t, %i, @b) {from: 1}
        %y: f32[B, h, 2], %z: f32[|t|, 2], %w: f32[|t|, 1] = cross_entropy_grad(%g, %s, %x, @t, %i, @b) {from: 1}",
    ),
    ("div", "input %x: f32[B, h, 2] input %y: f32[B, 2] %z: f32[B, h, 2] = div(%x, %y)"),
    ("dot", "input %x: f32[B, h, 3] input %y: f32[B, s, 3] %z: f32[B, h, s, 1] = dot(%x, %y)"),
    ("dropout", "input %x: f32[B, h, 2] %y: f32[B, h, 2] = dropout(%x) {rate: 0.5, stream: \"d\"}"),
    ("eq", "input %x: id<t>[B, h] input %y: id<t>[B] %z: bool[B, h] = eq(%x, %y)"),
    ("erf", "input %x: f32[B, h, 2] %y: f32[B, h, 2] = erf(%x)"),
    ("exp", "input %x: f32[B, h, 2] %y: f32[B, h, 2] = exp(%x)"),
    ("expand", "input %x: f32[B, 1] %y: f32[B, h, s, 3] = expand(%x) {to: [B, h, s], width: 3}"),
    ("fetch", "table @t: f32[|t|, 3] = normal(1) %y: f32[t!, 3] = fetch(@t) {to: t!}"),
    ("first", "input %x: f32[B, h, 2] %y: f32[B, 2] = first(%x) {over: h}"),
    ("first", "input %x: f32[B, h, 2] input %c: bool[B, h] %y: f32[B, 2] = first(%x, %c) {over: h}"),
    ("first_row", "input %c: bool[B, h, g] %y: bool[B, h, g] = first_row(%c) {over: [h, g]}"),
    ("flatten", "input %x: f32[B, h, 2] %y: f32[B, 8] = flatten(%x) {over: h}"),
    ("following", "input %x: f32[B, h, 2] input %y: f32[B, 2] %z: f32[B, h, 2] = following(%x, %y) {over: h}"),
    ("following", "input %x: f32[B, h, 2] %z: f32[B, h, 2] = following(%x) {over: h}"),
    ("gather", "input %x: f32[t!, 3] input %i: index<t!>[B, h] %y: f32[B, h, 3] = gather(%x, %i)"),
    ("gather", "input %x: f32[B, h, 3] input %i: index<h>[B, h] %y: f32[B, h, 3] = gather(%x, %i)"),
    ("ge", "input %x: f32[B, h, 1] input %y: f32[B, 2] %z: bool[B, h, 2] = ge(%x, %y)"),
    ("gelu", "input %x: f32[B, h, 2] %y: f32[B, h, 2] = gelu(%x)"),
    ("gelu_grad", "input %x: f32[B, h, 2] input %y: f32[B, h, 2] %z: f32[B, h, 2] = gelu_grad(%x, %y)"),
    ("gt", "input %x: f32[B, h, 1] input %y: f32[B, 2] %z: bool[B, h, 2] = gt(%x, %y)"),
    ("hide_last", "input %x: id<t>[B, h] %t: id<t>[B, h], %c: bool[B, h] = hide_last(%x) {mask: 1, over: h}"),
    ("is_candidate", "input %x: id<t>[B, h] %y: bool[B, h] = is_candidate(%x) {from: 2}"),
    ("known", "input %label: f32[B, 1] %y: bool[B] = known(%label)"),
    ("last", "input %x: f32[B, h, s, 2] %y: f32[B, h, 2] = last(%x) {over: s}"),
    ("last", "input %x: f32[B, h, 2] input %c: bool[B] %y: f32[B, 2] = last(%x, %c) {over: h}"),
    ("last_row", "input %c: bool[B, h] %y: bool[B, h] = last_row(%c) {over: h}"),
    (
        "layer_norm",
        "input %x: f32[B, h, 3] param @s: f32[3] = 1 param @t: f32[3] = 0 %y: f32[B, h, 3] = layer_norm(%x, @s, @t) {eps: 0.1}",
    ),
    (
        "layer_norm_grad",
        "input %g: f32[B, h, 3] input %x: f32[B, h, 3] param @s: f32[3] = 1
        %y: f32[B, h, 3] = layer_norm_grad(%g, %x, @s) {eps: 0.1}",
    ),
    (
        "layer_norm_scale_grad",
        "input %g: f32[B, h, 3] input %x: f32[B, h, 3] %y: f32[3] = layer_norm_scale_grad(%g, %x) {eps: 0.1}",
    ),
    ("le", "input %x: f32[B, h, 1] input %y: f32[B, 2] %z: bool[B, h, 2] = le(%x, %y)"),
    ("leaky_relu", "input %x: f32[B, h, 2] %y: f32[B, h, 2] = leaky_relu(%x) {slope: 0.1}"),
    (
        "leaky_relu_grad",
        "input %x: f32[B, h, 2] input %y: f32[B, h, 2] %z: f32[B, h, 2] = leaky_relu_grad(%x, %y) {slope: 0.1}",
    ),
    (
        "linear",
        "param @w: f32[3 x 2] = glorot param @b: f32[2] = 0 input %x: f32[B, h, 3] %y: f32[B, h, 2] = linear(%x, @w, @b)",
    ),
    ("linear", "param @w: f32[3 x 2] = glorot input %x: f32[B, 3] %y: f32[B, 2] = linear(%x, @w)"),
    (
        "linear",
        "param @w: f32[3 x 2] = glorot input %b: f32[B, 2] input %x: f32[B, h, 3] %y: f32[B, h, 2] = linear(%x, @w, %b)",
    ),
    (
        "linear",
        "param @w: f32[3 x 2] = glorot input %b: f32[B, h, 2] input %x: f32[B, h, 3] %y: f32[B, h, 2] = linear(%x, @w, %b)",
    ),
    (
        "linear_scaled",
        "param @w: f32[3 x 2] = glorot param @v: f32[3 x 2] = glorot input %q: f32[B, 2] input %x: f32[B, h, 3]
         %y: f32[B, h, 2] = linear_scaled(%x, %q, @w, @v)",
    ),
    ("locate", "input %x: id<t>[B, h] %y: index<t!>[B, h] = locate(%x) {to: t!}"),
    ("log", "input %positive: f32[B, h, 2] %y: f32[B, h, 2] = log(%positive)"),
    ("lt", "input %x: f32[B, h, 1] input %y: f32[B, 2] %z: bool[B, h, 2] = lt(%x, %y)"),
    ("matrix_dot", "param @w: f32[3 x 2] = glorot input %x: f32[B, 6] %y: f32[B, 3] = matrix_dot(%x, @w)"),
    ("max", "input %x: f32[B, h, 2] input %y: f32[B, 1] %z: f32[B, h, 2] = max(%x, %y)"),
    ("max_over", "input %x: f32[B, h, 2] %y: f32[B, 2] = max_over(%x) {over: h}"),
    ("max_over", "input %x: f32[B, h, g, 2] input %c: bool[B, h, g] %y: f32[B, 2] = max_over(%x, %c) {over: [h, g]}"),
    ("merge", "axis n: static(2) input %x: f32[B, h, n, 3] %y: f32[B, h, 6] = merge(%x) {axis: n}"),
    ("min", "input %x: f32[B, h, 2] input %y: f32[B, 1] %z: f32[B, h, 2] = min(%x, %y)"),
    ("moments", "input %x: f32[B, h, 2] %m: f32[2], %v: f32[2] = moments(%x)"),
    ("mul", "input %x: f32[B, h, 2] input %y: f32[B, s, 1] %z: f32[B, h, s, 2] = mul(%x, %y)"),
    ("mul", "param @w: f32[3 x 2] = glorot input %x: f32[1] %y: f32[3 x 2] = mul(%x, @w)"),
    ("mul", "param @w: f32[3 x 2] = glorot param @x: f32[2] = 0.5 %y: f32[3 x 2] = mul(@w, @x)"),
    ("ne", "input %x: id<t>[B, h] input %y: id<t>[B] %z: bool[B, h] = ne(%x, %y)"),
    ("neg", "input %x: f32[B, h, 2] %y: f32[B, h, 2] = neg(%x)"),
    ("not", "input %x: bool[B, h] %y: bool[B, h] = not(%x)"),
    ("or", "input %x: bool[B, h] input %y: bool[B, s] %z: bool[B, h, s] = or(%x, %y)"),
    ("ordinal", "%y: f32[B, h, g, 1] = ordinal() {axis: g, from_end: true}"),
    ("ordinal", "%y: f32[B, h, 1] = ordinal() {axis: h, from_end: false}"),
    ("outer_by", "input %x: f32[B, h, 3] input %g: f32[B, h, 2] %y: f32[B, 6] = outer_by(%x, %g) {over: h}"),
    ("outer_by", "input %x: f32[B, h, g, 3] input %g: f32[B, h, g, 2] %y: f32[B, h, 6] = outer_by(%x, %g) {over: g}"),
    ("outer_sum", "input %x: f32[B, h, 2] input %y: f32[B, h, 3] %z: f32[2 x 3] = outer_sum(%x, %y)"),
    ("pad", "input %x: f32[B, h, 2] %y: f32[B, h, 5] = pad(%x) {from: 1, width: 5}"),
    ("place", "axis n: static(4) %y: index<n>[B, h] = place() {axis: h, from_end: true, to: n}"),
    ("preceding", "input %x: f32[B, h, 2] input %y: f32[B, 2] %z: f32[B, h, 2] = preceding(%x, %y) {over: h}"),
    ("random", "%y: f32[B, h, 3] = random() {of: [B, h], rate: 0.4, stream: \"r\", width: 3}"),
    ("random", "%y: f32[t!, 3] = random() {of: t!, rate: 0.4, stream: \"r\", width: 3}"),
    (
        "rank",
        "table @t: f32[|t|, 2] = normal(1) table @b: f32[|t|, 1] = 0 input %x: f32[B, 2] input %i: index<|t|>[B]
        input %seen: index<|t|>[B, h] %y: f32[B, 1] = rank(%x, @t, %i, %seen, @b) {from: 1}",
    ),
    (
        "rank",
        "table @t: f32[|t|, 2] = normal(1) input %x: f32[B, h, 2] input %i: index<|t|>[B, h]
        %y: f32[B, h, 1] = rank(%x, @t, %i) {from: 0}",
    ),
    ("recip", "input %x: f32[B, h, 2] %y: f32[B, h, 2] = recip(%x)"),
    ("relu", "input %x: f32[B, h, 2] %y: f32[B, h, 2] = relu(%x)"),
    ("relu_grad", "input %x: f32[B, h, 2] input %y: f32[B, h, 2] %z: f32[B, h, 2] = relu_grad(%x, %y)"),
    ("rows", "param @w: f32[4 x 2] = glorot %y: f32[2 x 2] = rows(@w) {from: 1, to: 3}"),
    ("rows_pad", "param @w: f32[2 x 3] = glorot %y: f32[4 x 3] = rows_pad(@w) {from: 1, height: 4}"),
    ("rsqrt", "input %positive: f32[B, h, 2] %y: f32[B, h, 2] = rsqrt(%positive)"),
    ("same", "axis p: twin of h %y: bool[B, h, p] = same() {first: h, second: p}"),
    (
        "scaled_linear",
        "param @w: f32[3 x 2] = glorot param @v: f32[3 x 2] = glorot input %q: f32[B, 3] input %b: f32[B, 2]
         input %x: f32[B, h, 3] %y: f32[B, h, 2] = scaled_linear(%x, %q, @w, @v, %b)",
    ),
    (
        "scaled_linear",
        "param @w: f32[3 x 2] = glorot param @v: f32[3 x 2] = glorot input %q: f32[B, h, 3] input %x: f32[B, h, g, 3]
         %y: f32[B, h, g, 2] = scaled_linear(%x, %q, @w, @v)",
    ),
    (
        "scaled_sums",
        "input %q: f32[B, h, 3] input %m: f32[B, h, 6] %a: f32[3 x 2], %b: f32[3 x 2] = scaled_sums(%m, %q)",
    ),
    (
        "scan",
        "input %x: f32[B, h, 1] input %c: f32[B, 1] param @w: f32[1] = 0.5 param @first: f32[1] = 0
        %s: f32[B, h, 1] = scan(%x, @first, %c, @w) {over: h} body {
            axis sequences: batch
            input %x: f32[sequences, 1] input %s: f32[sequences, 1] input %c: f32[sequences, 1] input %w: f32[1]
            %kept: f32[sequences, 1] = mul(%s, %w)
            %new: f32[sequences, 1] = mul(%x, %c)
            %next: f32[sequences, 1] = add(%kept, %new)
            output s = %next
        }",
    ),
    (
        "scan_grad",
        "input %x: f32[B, h, 1] input %c: f32[B, 1] param @w: f32[1] = 0.5 param @first: f32[1] = 0
        input %s: f32[B, h, 1] input %g: f32[B, h, 1]
        %dx: f32[B, h, 1], %ds: f32[B, 1] = scan_grad(%x, @first, %c, @w, %s, %g) {over: h, states: 1} body {
            axis sequences: batch
            input %x: f32[sequences, 1] input %s: f32[sequences, 1] input %c: f32[sequences, 1] input %w: f32[1]
            input %g: f32[sequences, 1]
            %dx: f32[sequences, 1] = mul(%g, %c)
            %ds: f32[sequences, 1] = mul(%g, %w)
            output x = %dx
            output s = %ds
        }",
    ),
    (
        "scan_grad",
        "input %x: f32[B, h, 20] param @w: f32[16 x 20] = glorot input %first: f32[B, 16]
        input %s: f32[B, h, 16] input %g: f32[B, h, 16]
        %ds: f32[B, 16], %dw: f32[16 x 20] = scan_grad(%x, %first, @w, %s, %g) {over: h, states: 1} body {
            axis sequences: batch
            input %x: f32[sequences, 20] input %s: f32[sequences, 16] input %w: f32[16 x 20]
            input %g: f32[sequences, 16]
            %p: f32[sequences, 16] = sigmoid(%s)
            %r: f32[sequences, 20] = sigmoid(%x)
            %ds: f32[sequences, 16] = sigmoid(%g)
            %dw: f32[16 x 20] = outer_sum(%p, %r)
            output s = %ds
            output w = %dw
        }",
    ),
    ("scatter", "input %x: f32[B, h, 3] input %i: index<t!>[B, h] %y: f32[t!, 3] = scatter(%x, %i) {to: t!}"),
    (
        "scatter",
        "input %x: f32[B, h, 3] input %i: index<t!>[B, h] input %y: f32[B, 3] input %j: index<t!>[B]
         %z: f32[t!, 3] = scatter(%x, %i, %y, %j) {to: t!}",
    ),
    ("scatter", "input %x: f32[B, h, 3] input %i: index<h>[B, h] %y: f32[B, h, 3] = scatter(%x, %i) {to: h}"),
    (
        "select",
        "input %c: bool[B, h] axis k: sub of h where %c input %x: f32[B, h, 2] %y: f32[B, k, 2] = select(%x) {as: k, of: h}",
    ),
    ("sigmoid", "input %x: f32[B, h, 2] %y: f32[B, h, 2] = sigmoid(%x)"),
    ("sigmoid_grad", "input %x: f32[B, h, 2] input %y: f32[B, h, 2] %z: f32[B, h, 2] = sigmoid_grad(%x, %y)"),
    ("sign", "input %x: f32[B, h, 2] %y: f32[B, h, 2] = sign(%x)"),
    ("sinusoid", "input %x: f32[B, h, 1] %y: f32[B, h, 4] = sinusoid(%x) {width: 4}"),
    ("slice", "input %x: f32[B, h, 5] %y: f32[B, h, 2] = slice(%x) {from: 1, to: 3}"),
    ("softmax", "input %x: f32[B, h, 2] %y: f32[B, h, 2] = softmax(%x) {over: h}"),
    ("softmax", "input %x: f32[B, h, s, 1] input %c: bool[B, s] %y: f32[B, h, s, 1] = softmax(%x, %c) {over: s}"),
    ("softmax", "input %x: f32[B, h, g, 1] %y: f32[B, h, g, 1] = softmax(%x) {over: [h, g]}"),
    ("softmax_grad", "input %x: f32[B, h, 2] input %y: f32[B, h, 2] %z: f32[B, h, 2] = softmax_grad(%x, %y) {over: h}"),
    ("softplus", "input %x: f32[B, h, 2] %y: f32[B, h, 2] = softplus(%x)"),
    ("softplus_grad", "input %x: f32[B, h, 2] input %y: f32[B, h, 2] %z: f32[B, h, 2] = softplus_grad(%x, %y)"),
    ("split", "axis n: static(2) input %x: f32[B, h, 6] %y: f32[B, h, n, 3] = split(%x) {axis: n}"),
    ("sqrt", "input %positive: f32[B, h, 2] %y: f32[B, h, 2] = sqrt(%positive)"),
    ("sqrt_grad", "input %x: f32[B, h, 2] input %positive: f32[B, h, 2] %y: f32[B, h, 2] = sqrt_grad(%x, %positive)"),
    ("square", "input %x: f32[B, h, 2] %y: f32[B, h, 2] = square(%x)"),
    ("stop_gradient", "input %x: f32[B, h, 2] %y: f32[B, h, 2] = stop_gradient(%x)"),
    ("sub", "input %x: f32[B, h, 2] input %y: f32[B, s, 1] %z: f32[B, h, s, 2] = sub(%x, %y)"),
    ("sum", "input %x: f32[B, h, g, 2] %y: f32[B, 2] = sum(%x) {over: [h, g]}"),
    ("sum", "input %x: f32[B, h, s, 2] %y: f32[B, s, 2] = sum(%x) {over: h}"),
    ("sum", "input %x: f32[B, h, 2] %y: f32[2] = sum(%x) {over: [B, h]}"),
    ("sum", "table @t: f32[|t|, 3] = normal(1) %y: f32[3] = sum(@t) {over: |t|}"),
    ("sum_squares", "input %x: f32[B, h, 2] input %y: f32[3] %z: f32[1] = sum_squares(%x, %y)"),
    ("sum_width", "input %x: f32[B, h, 3] %y: f32[B, h, 1] = sum_width(%x)"),
    ("tanh", "input %x: f32[B, h, 2] %y: f32[B, h, 2] = tanh(%x)"),
    ("tanh_grad", "input %x: f32[B, h, 2] input %y: f32[B, h, 2] %z: f32[B, h, 2] = tanh_grad(%x, %y)"),
    (
        "top",
        "axis n: static(2) input %x: f32[B, h, s, 1] %y: index<s>[B, h, n], %z: f32[B, h, n, 1] = top(%x) {as: n, over: s}",
    ),
    ("transpose", "param @w: f32[4 x 2] = glorot %y: f32[2 x 4] = transpose(@w)"),
    ("twin", "axis p: twin of h input %x: f32[B, h, s, 2] %y: f32[B, s, p, 2] = twin(%x) {as: p, of: h}"),
    ("twin", "axis other: twin of B input %x: f32[B, 2] %y: f32[other, 2] = twin(%x) {as: other, of: B}"),
    ("unfetch", "input %x: f32[t!, 3] %y: f32[|t|, 3] = unfetch(%x) {to: |t|}"),
    ("unflatten", "input %x: f32[B, 8] %y: f32[B, h, 2] = unflatten(%x) {over: h}"),
    ("unknown", "%y: id<t>[B, h] = unknown() {of: [B, h], vocabulary: \"t\"}"),
    (
        "unselect",
        "input %c: bool[B, h] axis k: sub of h where %c input %x: f32[B, k, 2] %y: f32[B, h, 2] = unselect(%x) {as: k, of: h}",
    ),
    ("without_last", "axis a: append of h input %x: f32[B, a, 2] %z: f32[B, h, 2] = without_last(%x) {as: a, of: h}"),
];

/// Samples of effects, by name.
pub(super) const EFFECT_SAMPLES: &[Sample] = &[
    (
        "adagrad",
        "param @w: f32[3 x 2] = glorot state @s: f32[3 x 2] = 0 input %g: f32[3 x 2] input %lr: f32[1]
        update @w, @s = adagrad(%g, %lr) {eps: 0.1, weight_decay: 0.1}",
    ),
    (
        "adam",
        "param @w: f32[3 x 2] = glorot state @m: f32[3 x 2] = 0 state @v: f32[3 x 2] = 0 input %g: f32[3 x 2]
        input %lr: f32[1] input %positive: f32[1]
        update @w, @m, @v = adam(%g, %lr, %positive) {beta1: 0.9, beta2: 0.99, eps: 0.1, weight_decay: 0.1}",
    ),
    (
        "adamw",
        "param @w: f32[3 x 2] = glorot state @m: f32[3 x 2] = 0 state @v: f32[3 x 2] = 0 input %g: f32[3 x 2]
        input %lr: f32[1] input %positive: f32[1]
        update @w, @m, @v = adamw(%g, %lr, %positive) {beta1: 0.9, beta2: 0.99, eps: 0.1, weight_decay: 0.1}",
    ),
    ("assign", "state @w: f32[2] = 0 input %x: f32[2] update @w = assign(%x)"),
    (
        "lazy_adam",
        "table @t: f32[|t|, 2] = normal(1) state @m: f32[|t|, 2] = 0 state @v: f32[|t|, 2] = 0
        input %g: f32[t!, 2] input %lr: f32[1] input %positive: f32[1]
        update @t, @m, @v = lazy_adam(%g, %lr, %positive) {beta1: 0.9, beta2: 0.99, eps: 0.1}",
    ),
    (
        "row_adagrad",
        "table @t: f32[|t|, 2] = normal(1) state @s: f32[|t|, 2] = 0 input %g: f32[t!, 2] input %lr: f32[1]
        update @t, @s = row_adagrad(%g, %lr) {eps: 0.1}",
    ),
    (
        "row_sgd",
        "table @t: f32[|t|, 2] = normal(1) input %g: f32[t!, 2] input %lr: f32[1] update @t = row_sgd(%g, %lr)",
    ),
    (
        "sgd",
        "param @w: f32[3 x 2] = glorot input %g: f32[3 x 2] input %lr: f32[1]
        update @w = sgd(%g, %lr) {momentum: 0, weight_decay: 0.1}",
    ),
    (
        "sgd",
        "param @w: f32[2] = 0 state @m: f32[2] = 0 input %g: f32[2] input %lr: f32[1]
        update @w, @m = sgd(%g, %lr) {momentum: 0.9, weight_decay: 0}",
    ),
];
