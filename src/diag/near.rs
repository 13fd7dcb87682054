//! The known word that a misspelt one is nearest to.

/// The candidate that `word` is most likely a slip of; none if all are far. The first of equally near ones.
pub fn near<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    // A word of one letter is near to every other one.
    let limit = (length / 3).max(1).min(length.saturating_sub(1));
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let same_but_case = candidate.to_lowercase() == word.to_lowercase();
        let distance = if same_but_case { 0 } else { strsim::damerau_levenshtein(word, candidate) };
        if distance <= limit && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Names in backticks, joined for a sentence: "`a`, `b` or `c`".
pub fn list(names: &[&str], last: &str) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        None => "nothing".to_owned(),
        Some((only, [])) => only.clone(),
        Some((end, rest)) => format!("{} {last} {end}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_a_stranger_finds_none() {
        let keys = ["separator", "side", "type", "dim"];
        assert_eq!(near("seperator", keys), Some("separator"));
        assert_eq!(near("Type", keys), Some("type"));
        assert_eq!(near("tpye", keys), Some("type"));
        assert_eq!(near("colour", keys), None);
    }

    #[test]
    fn a_list_reads_as_a_sentence() {
        assert_eq!(list(&["a", "b", "c"], "or"), "`a`, `b` or `c`");
        assert_eq!(list(&["a"], "or"), "`a`");
    }
}
