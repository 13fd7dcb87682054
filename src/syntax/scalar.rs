//! Where each byte of a decoded YAML scalar stands in the file, for all five styles.
//!
//! Folding only ever rewrites white space, so the words of a plain, literal or folded scalar stand in the file one by one in the same order. A
//! quoted scalar is walked character by character instead, since an escape can be white space.

use crate::diag::FileId;
use crate::diag::offset::OffsetMap;

/// The map of a plain, literal or folded scalar: `decoded` came from `source`, which stands at `start`.
pub(super) fn unquoted(file: FileId, decoded: &str, source: &str, start: usize) -> OffsetMap {
    if decoded == source {
        return OffsetMap::straight(file, start, decoded.len());
    }
    let mut map = OffsetMap::new(file);
    let mut words = words(source);
    let (mut decoded_at, mut source_at) = (0, 0);
    for (offset, word) in self::words(decoded) {
        let Some((place, _)) = words.next().filter(|(_, other)| *other == word) else {
            return whole(file, decoded, source, start);
        };
        let gap = offset - decoded_at;
        if decoded_at == 0 && gap > 0 {
            // Blanks kept by an explicit indentation (`|2`) stand before the first word, even before `source`.
            map.piece(gap, (start + place).saturating_sub(gap), gap);
        } else if gap > 0 {
            map.piece(gap, start + source_at, place.saturating_sub(source_at));
        }
        map.piece(word.len(), start + place, word.len());
        (decoded_at, source_at) = (offset + word.len(), place + word.len());
    }
    if decoded_at < decoded.len() {
        map.piece(decoded.len() - decoded_at, start + source_at, source.len() - source_at);
    }
    map
}

/// The map of a quoted scalar: `source` includes its quotes and stands at `start`.
pub(super) fn quoted(file: FileId, decoded: &str, source: &str, start: usize) -> OffsetMap {
    let mut map = OffsetMap::new(file);
    let double = source.starts_with('"');
    let inner = source.get(1..source.len().saturating_sub(1)).unwrap_or("");
    let mut rest = decoded;
    let mut at = 0;
    while let Some(next) = inner.get(at..).and_then(|text| text.chars().next()) {
        let text = inner.get(at..).unwrap_or("");
        let (taken, gives) = match next {
            '\\' if double => escape(text),
            '\'' if !double => (2, Gives::Chars(1)),
            ' ' | '\t' | '\r' | '\n' => fold(text),
            c => (c.len_utf8(), Gives::Chars(1)),
        };
        let produced = match gives {
            Gives::Chars(count) => rest.chars().take(count).map(char::len_utf8).sum(),
            Gives::Nothing => 0,
        };
        let taken = taken.min(text.len());
        if produced > 0 {
            map.piece(produced, start + 1 + at, taken);
        }
        rest = rest.get(produced..).unwrap_or("");
        at += taken;
    }
    if map.len() == decoded.len() { map } else { whole(file, decoded, source, start) }
}

/// What a piece of a quoted scalar decodes to.
enum Gives {
    Chars(usize),
    Nothing,
}

/// Length of the escape at the start of `text`, and what it gives.
fn escape(text: &str) -> (usize, Gives) {
    let after = text.get(1..).unwrap_or("");
    match after.chars().next() {
        Some('x') => (4, Gives::Chars(1)),
        Some('u') if is_high_surrogate(after) => (12, Gives::Chars(1)),
        Some('u') => (6, Gives::Chars(1)),
        Some('U') => (10, Gives::Chars(1)),
        Some('\n' | '\r') => {
            let (len, breaks) = blank(after);
            (1 + len, if breaks > 1 { Gives::Chars(breaks - 1) } else { Gives::Nothing })
        }
        Some(c) => (1 + c.len_utf8(), Gives::Chars(1)),
        None => (1, Gives::Nothing),
    }
}

fn is_high_surrogate(after: &str) -> bool {
    let code = after.get(1..5).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    code.is_some_and(|code| (0xd800..0xdc00).contains(&code)) && after.get(5..7) == Some("\\u")
}

/// Length of the blanks at the start of `text`, and what they give: themselves, or a fold of lines.
fn fold(text: &str) -> (usize, Gives) {
    match blank(text) {
        (len, 0) => (len, Gives::Chars(len)),
        (len, 1) => (len, Gives::Chars(1)),
        (len, breaks) => (len, Gives::Chars(breaks - 1)),
    }
}

/// Length of the white space at the start of `text`, and the line breaks in it.
fn blank(text: &str) -> (usize, usize) {
    let len = text.len() - text.trim_start_matches([' ', '\t', '\r', '\n']).len();
    let blanks = text.get(..len).unwrap_or("");
    let lone_returns = blanks.split('\r').skip(1).filter(|after| !after.starts_with('\n')).count();
    (len, blanks.matches('\n').count() + lone_returns)
}

/// Every byte maps to the whole scalar: the answer when decoding did something that is not known here.
fn whole(file: FileId, decoded: &str, source: &str, start: usize) -> OffsetMap {
    let mut map = OffsetMap::new(file);
    map.piece(decoded.len(), start, source.len());
    map
}

/// The words of a text and where they start.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..)?;
        let start = at + (rest.len() - rest.trim_start_matches(BLANK).len());
        let word = text.get(start..)?.split(BLANK).next().filter(|word| !word.is_empty())?;
        at = start + word.len();
        Some((start, word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::node::NodeKind;

    /// Finds `part` in the decoded value of the only key, and gives the text of the file that it maps to.
    fn mapped(file: &str, part: &str) -> String {
        let mut diags = crate::diag::Diags::default();
        let node = crate::syntax::yaml::read(FileId(0), file, 0, &mut diags).unwrap();
        let NodeKind::Scalar(scalar) = &node.entries()[0].value.kind else { panic!("{node:?}") };
        assert_eq!(scalar.map.len(), scalar.text.len(), "{file}");
        let at = scalar.text.find(part).unwrap_or_else(|| panic!("no {part:?} in {:?}", scalar.text));
        let span = scalar.map.span(at, at + part.len());
        file[span.start as usize..span.end as usize].to_owned()
    }

    #[test]
    fn words_of_all_five_styles_are_found_in_the_file() {
        for file in [
            "k: ab + cd * ef\n",
            "k: ab +\n  cd\n  * ef # cd\n",
            "k: ab\n\n\n  + cd * ef\n",
            "k: 'ab + cd * ef'\n",
            "k: 'it''s ab\n\n   + cd * ef'\n",
            "k: \"\\u00e9\\x41 ab +\\\n   cd\\t * ef\"\n",
            "k: \"\\ud83d\\ude00 ab \\\n\n  cd * ef\"\n",
            "k: |\n  ab +\n    cd\n\n  * ef\n",
            "k: |2-\n   ab + cd\n  * ef",
            "k: >\n  ab +\n  cd\n\n    more\n  * ef\n\n# cd\n",
            "k: >+\r\n  ab +\r\n  cd\r\n  * ef\r\n\r\n",
        ] {
            assert_eq!(mapped(file, "cd"), "cd", "{file}");
            assert_eq!(mapped(file, "ef"), "ef", "{file}");
            assert_eq!(mapped(file, "ab"), "ab", "{file}");
        }
    }

    #[test]
    fn escapes_and_folds_map_as_a_whole() {
        assert_eq!(mapped("k: \"a\\u00e9b\"", "é"), "\\u00e9");
        assert_eq!(mapped("k: \"a\\ud83d\\ude00b\"", "😀"), "\\ud83d\\ude00");
        assert_eq!(mapped("k: 'it''s'", "'"), "''");
        assert_eq!(mapped("k: a\n   b", "a b"), "a\n   b");
        assert_eq!(mapped("k: |2\n   x\n", " x"), " x");
    }
}
