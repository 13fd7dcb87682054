//! Paths of parameters. A path depends only on what the spec calls things, never on a count over the whole model, so a new
//! layer changes no other path and thereby no other first value.
//!
//! - A value `logit` that calls `mlp` and `linear` has `logit.mlp.0.w` and `logit.linear.w`; a second `linear` in the same
//!   value is `logit.linear.2`.
//! - A block opens a scope: the value's own path for the first block of a value (`interest: din(...)` has
//!   `interest.score.linear.w`), `value.block` for further ones. Its values are named in that scope, `return` is the scope.
//! - `share=name` names the scope or the parameters outright, within the block where it stands. All calls with that name
//!   have the same parameters.

use std::collections::BTreeSet;

/// Where parameters of the call that is being evaluated are named.
#[derive(Clone, Debug, Default)]
pub struct Paths {
    /// The value that is being evaluated: `interest.score`.
    value: String,
    /// The block around it: `interest`; empty in the spec itself.
    scope: String,
    /// Paths that are given away.
    taken: BTreeSet<String>,
    /// Scopes that are given away.
    scopes: BTreeSet<String>,
    /// Paths of noise, which even calls that share parameters do not share.
    noises: BTreeSet<String>,
}

/// What [`Paths::leave`] goes back to.
#[derive(Debug)]
pub struct Outside {
    value: String,
    scope: String,
    /// The paths that were given away outside a shared scope.
    shared: Option<(BTreeSet<String>, BTreeSet<String>)>,
}

impl Paths {
    /// Paths with some that are not free.
    pub fn new(taken: impl IntoIterator<Item = String>) -> Self {
        Self { taken: taken.into_iter().collect(), ..Self::default() }
    }

    /// The value that is being evaluated.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The block around it, or empty.
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// From now on a value of this name is evaluated; `return` is the block itself.
    pub fn enter_value(&mut self, name: &str) {
        self.value = if name == "return" { self.scope.clone() } else { join(&self.scope, name) };
    }

    /// The path of a call's own parameters.
    pub fn call(&mut self, function: &str, share: Option<&str>) -> String {
        match share {
            Some(name) => join(&self.scope, name),
            None => unique(&mut self.taken, join(&self.value, function)),
        }
    }

    /// The path of a parameter that is a value by itself.
    pub fn own(&mut self, share: Option<&str>) -> String {
        match share {
            Some(name) => join(&self.scope, name),
            None => unique(&mut self.taken, self.value.clone()),
        }
    }

    /// The path of a source of noise.
    pub fn noise(&mut self, function: &str) -> String {
        unique(&mut self.noises, join(&self.value, function))
    }

    /// Enters the scope of a block.
    pub fn enter_block(&mut self, block: &str, share: Option<&str>) -> Outside {
        let (scope, shared) = match share {
            // Within a shared scope all names start anew, so that they are the same in every call.
            Some(name) => {
                (join(&self.scope, name), Some((std::mem::take(&mut self.taken), std::mem::take(&mut self.scopes))))
            }
            None if self.scopes.insert(self.value.clone()) => (self.value.clone(), None),
            None => (unique(&mut self.scopes, join(&self.value, block)), None),
        };
        self.outside(scope, shared)
    }

    /// Enters a part of a call, such as one layer of several; `path` is of [`Paths::call`].
    pub fn enter_part(&mut self, path: &str, shared: bool) -> Outside {
        let outer = shared.then(|| (std::mem::take(&mut self.taken), std::mem::take(&mut self.scopes)));
        self.outside(path.to_owned(), outer)
    }

    /// Leaves a block or a part.
    pub fn leave(&mut self, outside: Outside) {
        (self.value, self.scope) = (outside.value, outside.scope);
        if let Some((taken, scopes)) = outside.shared {
            (self.taken, self.scopes) = (taken, scopes);
        }
    }

    fn outside(&mut self, scope: String, shared: Option<(BTreeSet<String>, BTreeSet<String>)>) -> Outside {
        let value = std::mem::replace(&mut self.value, scope.clone());
        Outside { value, scope: std::mem::replace(&mut self.scope, scope), shared }
    }
}

/// `scope.name`, or the name alone in the spec itself.
fn join(scope: &str, name: &str) -> String {
    if scope.is_empty() { name.to_owned() } else { format!("{scope}.{name}") }
}

/// A name that is not taken yet: with a number where it is.
fn unique(taken: &mut BTreeSet<String>, name: String) -> String {
    let mut unique = name.clone();
    let mut number = 2;
    while !taken.insert(unique.clone()) {
        unique = format!("{name}.{number}");
        number += 1;
    }
    unique
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_named_by_value_and_function() {
        let mut paths = Paths::new(["logit".to_owned()]);
        paths.enter_value("logit");
        assert_eq!(paths.call("mlp", None), "logit.mlp");
        assert_eq!(paths.call("linear", None), "logit.linear");
        assert_eq!(paths.call("linear", None), "logit.linear.2");
        assert_eq!(paths.call("linear", Some("tower")), "tower");
        assert_eq!(paths.own(None), "logit.2");
    }

    #[test]
    fn the_first_block_of_a_value_is_named_by_the_value() {
        let mut paths = Paths::default();
        paths.enter_value("interest");
        let outside = paths.enter_block("din", None);
        paths.enter_value("score");
        assert_eq!(paths.call("linear", None), "interest.score.linear");
        paths.enter_value("return");
        let inner = paths.enter_block("gated", None);
        paths.enter_value("gate");
        assert_eq!(paths.call("linear", Some("g")), "interest.gated.g");
        paths.leave(inner);
        paths.leave(outside);
        let second = paths.enter_block("din", None);
        assert_eq!(paths.value(), "interest.din");
        paths.leave(second);
        assert_eq!(paths.call("linear", None), "interest.linear");
    }

    #[test]
    fn a_shared_scope_names_the_same_in_every_call_and_noise_never() {
        let mut paths = Paths::default();
        let mut found = Vec::new();
        for value in ["a", "b"] {
            paths.enter_value(value);
            let outside = paths.enter_block("din", Some("tower"));
            paths.enter_value("score");
            found.push((paths.call("linear", None), paths.noise("dropout")));
            paths.leave(outside);
        }
        assert_eq!(found[0].0, found[1].0);
        assert_eq!((found[0].1.as_str(), found[1].1.as_str()), ("tower.score.dropout", "tower.score.dropout.2"));
    }
}
