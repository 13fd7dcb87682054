//! Texts to numbers in order of first appearance: one arena, one open-addressed table, no allocation per text.

use xxhash_rust::xxh3::xxh3_64;

use super::texts::Texts;

/// Free places of the table.
const FREE: u32 = u32::MAX;

/// A growing set of texts, numbered from 0.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interner {
    texts: Texts,
    places: Vec<u32>,
}

impl Interner {
    /// The set of distinct texts of a column, numbered by row; none if a text stands there twice or is null.
    pub(crate) fn from_texts(texts: Texts) -> Option<Interner> {
        let mut interner = Interner::default();
        for row in 0..texts.len() {
            if interner.add(texts.get(row)?) as usize != row {
                return None;
            }
        }
        Some(interner)
    }

    /// How many texts.
    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    /// The texts in order of their numbers.
    pub(crate) fn texts(&self) -> &Texts {
        &self.texts
    }

    /// The number of a text, if it is in the set.
    pub(crate) fn get(&self, text: &str) -> Option<u32> {
        if self.places.is_empty() {
            return None;
        }
        let place = self.find(text, xxh3_64(text.as_bytes()));
        Some(self.places[place]).filter(|&number| number != FREE)
    }

    /// The number of a text, which joins the set if it is new.
    pub(crate) fn add(&mut self, text: &str) -> u32 {
        if self.places.len() < 2 * (self.len() + 1) {
            self.grow();
        }
        let place = self.find(text, xxh3_64(text.as_bytes()));
        if self.places[place] == FREE {
            self.places[place] = self.len() as u32;
            self.texts.push(Some(text));
        }
        self.places[place]
    }

    /// The place that holds `text` or the free one where it would stand. The table is at most half full, so one exists.
    fn find(&self, text: &str, hash: u64) -> usize {
        let mask = self.places.len() - 1;
        let mut place = hash as usize & mask;
        while self.places[place] != FREE && self.texts.get(self.places[place] as usize) != Some(text) {
            place = (place + 1) & mask;
        }
        place
    }

    fn grow(&mut self) {
        let size = (4 * (self.len() + 1)).next_power_of_two();
        self.places = vec![FREE; size];
        for number in 0..self.len() {
            let mut place = xxh3_64(self.texts.get(number).unwrap_or("").as_bytes()) as usize & (size - 1);
            while self.places[place] != FREE {
                place = (place + 1) & (size - 1);
            }
            self.places[place] = number as u32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_numbered_by_first_appearance() {
        let mut interner = Interner::default();
        assert_eq!(interner.get("a"), None);
        for round in 0..2 {
            for number in 0..1000_u32 {
                assert_eq!(interner.add(&format!("id {number}")), number, "round {round}");
            }
        }
        assert_eq!((interner.len(), interner.get("id 7"), interner.get("id")), (1000, Some(7), None));
        assert_eq!(interner.texts().get(999), Some("id 999"));
    }

    #[test]
    fn a_repeated_text_is_no_set() {
        let mut texts = Texts::default();
        texts.push(Some("a"));
        texts.push(Some("b"));
        assert_eq!(Interner::from_texts(texts.clone()).and_then(|set| set.get("b")), Some(1));
        texts.push(Some("a"));
        assert!(Interner::from_texts(texts).is_none());
    }
}
