//! Kernels of the host executor: pure functions on slices, one thread, the vector unit chosen at run time.
//!
//! | file | what it computes | stage of a block |
//! |---|---|---|
//! | `attention` | ragged attention of several heads, forward and backward | self, cross and causal attention |
//! | `binary` | one function of two operands, set or added: arithmetic, comparisons, gradients of activations | activations, gating |
//! | `contract` | sums of products over groups of rows | weighted sums, interactions of fields |
//! | `cross_entropy` | softmax with cross-entropy over a vocabulary by tiles of it | the next item out of all |
//! | `gemm` | `C (+)= A B`, starting from zero, `C`, a bias row, or a bias row per row of `C` | linear forward, input gradient, weight gradient |
//! | `large` | products too large for one cache | whole tables, wide layers |
//! | `layer_norm` | normalised rows; gradient | transformers |
//! | `math` | `exp`, `log`, `tanh`, `sigmoid`, `erf`, `softplus` of one vector register | all others |
//! | `noise` | dropout masks by address | dropout |
//! | `optimize` | steps of Adam, AdamW, Adagrad, SGD: all parameters, or rows of a table | updates |
//! | `operand` | (the broadcasts: by width, one row, or a row map) | |
//! | `reduce` | sums, maxima and dot products along a row; sums in f64 | scores, gradients of weights per row, norms |
//! | `rows` | rows fetched by id, scattered by map, copied by columns | lookups, concat |
//! | `segment_max` | maximum over a segment and its first place; gradient | pooling |
//! | `segment_softmax` | softmax over a segment, with left-out rows; gradient | attention weights |
//! | `segment_sum` | sums over segments: plain, weighted, of rows listed per id | pooling, gradients of lookups and biases |
//! | `select` | `if(c, a, b)` | |
//! | `unary` | one function of every element | activations |
//!
//! What holds for all of them:
//! - Matrices are row-major `f32`, `rows x width`, without padding unless a stride is an argument. Empty ones are legal.
//! - No allocation, no thread, no state. Parallel loops over blocks of rows live in the executor.
//! - An output row depends on its input rows only: not on the number of rows in the call, not on its place among them.
//!   The last lanes of a row go through the same instructions as full registers, under a mask.
//! - The same CPU gives the same bits. AVX2 and AVX-512 use fused multiply-add, plain code does not, so they round apart.
//! - A slice shorter than its shape says, or a map entry beyond its table, is a bug of the caller and panics; it is never
//!   read out of bounds. Feeds are checked when a batch is built, so no input reaches this.

pub mod attention;
pub mod binary;
pub mod contract;
pub mod cross_entropy;
pub mod gemm;
pub mod large;
pub mod layer_norm;
pub mod noise;
pub mod operand;
pub mod optimize;
pub mod reduce;
pub mod rows;
pub mod segment_max;
pub mod segment_softmax;
pub mod segment_sum;
pub mod select;
pub mod unary;

mod dispatch;
mod lanes;
mod math;
