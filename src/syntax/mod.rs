//! YAML to a spanned, typed [`spec::Spec`].

pub mod spec;
