//! Texts of ids to numbers, while reading (every text gets one) or afterwards (those of the vocabulary have one).

use std::collections::BTreeMap;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use crate::data::interner::Interner;
use crate::data::plan::{Plan, Rule};

/// Numbers of the texts of one vocabulary or key. 0 is null, and after reading also what is unknown.
#[derive(Clone, Debug)]
pub(crate) struct Codebook {
    /// How a text gets its number.
    pub(crate) rule: Rule,
    /// The texts that were given one, where the rule is to count. Shared, since whoever only looks up needs no copy.
    pub(crate) texts: Arc<Interner>,
    /// Whether a new text joins.
    pub(crate) growing: bool,
}

impl Codebook {
    /// An empty one, to be filled by reading.
    pub(crate) fn growing(rule: Rule) -> Codebook {
        Codebook { rule, texts: Arc::default(), growing: true }
    }

    /// One of these texts and no other.
    pub(crate) fn fixed(rule: Rule, texts: Interner) -> Codebook {
        Codebook { rule, texts: Arc::new(texts), growing: false }
    }

    /// The number of a text, which gets one if it is new and new ones do. [`Codebook::refuses`] has let it pass.
    pub(crate) fn code(&mut self, text: &str) -> u32 {
        match self.rule {
            Rule::Counted { .. } if self.growing => 1 + Arc::make_mut(&mut self.texts).add(text),
            _ => self.known(text),
        }
    }

    /// The number of a text as things are.
    pub(crate) fn known(&self, text: &str) -> u32 {
        match self.rule {
            Rule::Hash(buckets) => 1 + (xxh3_64(text.as_bytes()) % u64::from(buckets)) as u32,
            Rule::Size(_) => integer(text).map_or(0, |id| id + 1),
            Rule::Counted { .. } => self.texts.get(text).map_or(0, |number| number + 1),
            Rule::Buckets => 0,
        }
    }

    /// The text of a number, as far as it can be told.
    pub(crate) fn text(&self, number: u32) -> Option<String> {
        let at = number.checked_sub(1)?;
        match self.rule {
            Rule::Counted { .. } => self.texts.texts().get(at as usize).map(str::to_owned),
            Rule::Size(_) => Some(at.to_string()),
            // Many ids share a bucket.
            Rule::Hash(_) | Rule::Buckets => Some(format!("#{at}")),
        }
    }

    /// Whether [`Codebook::refuses`] can say anything.
    pub(crate) fn may_refuse(&self) -> bool {
        matches!(self.rule, Rule::Size(_))
    }

    /// What is expected instead of a text that cannot be an id here.
    pub(crate) fn refuses(&self, text: &str) -> Option<String> {
        match self.rule {
            Rule::Size(size) if integer(text).is_none_or(|id| id >= size) => {
                Some(format!("a whole number from 0 to {}", size.saturating_sub(1)))
            }
            _ => None,
        }
    }
}

/// A whole number, also as `5.0`, which is how a float column writes it.
fn integer(text: &str) -> Option<u32> {
    let text = text.trim();
    text.parse().ok().or_else(|| {
        let value: f64 = text.parse().ok()?;
        (value >= 0.0 && value.fract() == 0.0 && value < f64::from(u32::MAX)).then_some(value as u32)
    })
}

/// Every codebook of a data section.
#[derive(Clone, Debug)]
pub(crate) struct Codebooks {
    /// By vocabulary of the plan.
    pub(crate) vocabularies: Vec<Codebook>,
    /// By key column.
    pub(crate) keys: BTreeMap<String, Codebook>,
}

impl Codebooks {
    /// Empty ones for a plan.
    pub(crate) fn growing(plan: &Plan) -> Codebooks {
        let vocabularies = plan.vocabularies.iter().map(|vocabulary| Codebook::growing(vocabulary.rule)).collect();
        Codebooks { vocabularies, keys: BTreeMap::new() }
    }

    /// The codebook of a key column; every source that has the column shares it.
    pub(crate) fn key(&mut self, column: &str) -> &mut Codebook {
        self.keys.entry(column.to_string()).or_insert_with(|| Codebook::growing(Rule::Counted { min_count: 1 }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_numbers_from_one() {
        let mut counted = Codebook::growing(Rule::Counted { min_count: 2 });
        assert_eq!(["a", "b", "a"].map(|text| counted.code(text)), [1, 2, 1]);
        counted.growing = false;
        assert_eq!(counted.code("c"), 0);
        let mut hash = Codebook::growing(Rule::Hash(10));
        assert!(["a", "b", "c"].iter().all(|text| (1..=10).contains(&hash.code(text))));
        // xxh3_64 of "a" is 0xe6c632b61e964e1f, 16629034431890738719.
        assert_eq!(hash.code("a"), 10);
        let mut size = Codebook::growing(Rule::Size(24));
        assert_eq!((size.code("0"), size.code("23"), size.code("5.0")), (1, 24, 6));
        assert_eq!(
            ["23", "24", "-1", "x", "1.5"].map(|text| size.refuses(text).is_some()),
            [false, true, true, true, true]
        );
    }
}
