//! The IR: axes, spaces, types, and the graph they stand in.
//!
//! # What a value is
//!
//! A value is a matrix. Its *rows* stand for the elements of a *space*, a set of axes; its *columns* are its *width*. So
//! `f32[B, history, 24]` has a row of 24 numbers for each real event of each sample of the batch: nothing is padded, so
//! there is no mask to forget. The *unit space* has no axis and one row: weights, batch statistics, losses. A weight
//! matrix is the one kind of value with a *height*, `f32[80 x 40]`, and stands in the unit space.
//!
//! Numbers and conditions (`bool`, 0 or 1) are floats in memory; ids of a vocabulary (`id<movie>`) and places of elements
//! of an axis (`index<movie!>`) are `u32`.
//!
//! # What an axis is
//!
//! An axis is an object of the graph ([`axis`]), not a string: operands unite on an axis only if it is the same object. It
//! is a root or stands under a parent, and a space that has an axis has its ancestors too. The rows of a space run like
//! nested loops over its axes in order of declaration, so the rows of a sample are neighbours, and every map between two
//! spaces follows from offsets ([`rows`]).
//!
//! | line | elements |
//! |---|---|
//! | `axis B: batch` | the samples; always the first axis, and the only one of its kind |
//! | `axis history: ragged(50) of B` | a varying number under each sample, at most 50, possibly none |
//! | `axis heads: static(8)` | the same number everywhere; a root |
//! | `axis \|movie\|: rows of movie` | every row of a table; a symbol until vocabularies are bound |
//! | `axis movie!: distinct rows of movie` | the rows that this batch looks up |
//! | `axis past: twin of history` | the same elements once more: what makes `[B, history, past]` a space of pairs |
//! | `axis steps: append of history` | the same elements and one more at the end of each parent |
//! | `axis kept: sub of history where %chosen` | the elements for which a condition holds, packed |
//!
//! Sizes are known before a step begins: the condition of a sub-axis comes from inputs and seeded draws alone.
//!
//! # What an operation is
//!
//! A node applies an operation ([`op::Op`]) to values and gives new ones; it is told the rest by attributes ([`attr`]), of
//! which it has exactly those that the operation declares. An operation says its type rule, its reference value and its
//! derivative, each in terms of the other operations: gradients are nodes like all others, made by a pass. Operands
//! broadcast over the axes that they lack, and the derivative by one is summed to its own space.
//!
//! Tables are spaces too. `fetch(@movie)` gives the distinct rows that the batch looks up, `f32[movie!, 16]`, `locate` says
//! which of them each id is, and `gather` follows: the gradient of a table is a segment sum in `movie!`, and an optimiser
//! touches only those rows.
//!
//! What changes a parameter is an *effect*, executed after every read of the step. What draws a random number names a
//! stream; its address is the seed, the stream, the step, the sample and the place in it, so there is no generator whose
//! state could depend on order.
//!
//! An operation with a *body* (`scan`) holds a graph of its own, with axes of its own, as an attribute.
//!
//! # How a graph is made
//!
//! Only by [`build::Builder`], which infers and checks every value as it is added: nothing can set a type. A pass makes a
//! new graph out of an old one ([`copy`]); nothing is changed in place. [`verify`] lists what must hold of every graph, and
//! promises that execution of one that passes gives a result or an error, never a panic.
//!
//! A graph goes through three stages ([`verify::Stage`]): the *model graph* may hold operations whose meaning differs in
//! training and inference (`dropout`, `batch_norm`), which a pass then expands; a *training graph* has losses, gradients
//! and effects; an *inference graph* has outputs only, and no value in it depends on another sample.
//!
//! # The text form
//!
//! [`mod@print`] writes one line an item, in order of execution, with the type on every line; values are named by their path
//! in the spec, so a new node changes no other line. [`read`] reads the same text and infers every type again.
//!
//! ```text
//! model mean {
//!   axis B: batch
//!   axis history: ragged(50) of B
//!   param @w: f32[24 x 1] = glorot
//!   input %history.item: f32[B, history, 24]
//!   input %liked: f32[B, 1] = label(liked)
//!   %interest: f32[B, 24] = sum(%history.item) {over: history}
//!   %logit: f32[B, 1] = linear(%interest, @w)
//!   %click.rows: f32[B, 1] = bce(%logit, %liked)
//!   %click: f32[1] = sum(%click.rows) {over: B}
//!   loss click = %click
//!   output logit = %logit
//! }
//! ```
//!
//! Architecture invariant: the IR knows no operation. `prim` registers them, and [`read::read`] is handed the registry.
//!
//! Architecture invariant: nothing here reads a file, a clock or a random generator, or depends on a map's order.

pub mod attr;
pub mod axis;
pub mod build;
pub mod copy;
pub mod graph;
pub mod input;
pub mod op;
pub mod print;
pub mod read;
pub mod rows;
pub mod types;
pub mod verify;
