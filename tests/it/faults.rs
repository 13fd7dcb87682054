//! Faults that are known of programs of the field, each with a test that would fail if it were here.

mod attention;
mod cloze;
mod list;
mod rank;
