//! What every code means: the text of `specrec explain`. One file per hundred; to add a code, add an entry there in alphabetical order.

mod e01;
mod e02;
mod e03;
mod e04;
mod e05;
mod e06;
mod w0;

/// One kind of finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// `E0304`.
    pub code: &'static str,
    /// The fact in general, one line.
    pub title: &'static str,
    /// What it means and why it is one.
    pub text: &'static str,
    /// A piece of a spec (or of data, or a command) that has it.
    pub example: &'static str,
    /// The same piece put right, or what to do.
    pub fix: &'static str,
}

const HUNDREDS: &[&[Explanation]] =
    &[e01::CODES, e02::CODES, e03::CODES, e04::CODES, e05::CODES, e06::CODES, w0::CODES];

/// Every code, in alphabetical order.
pub fn all() -> impl Iterator<Item = &'static Explanation> {
    HUNDREDS.iter().copied().flatten()
}

/// The text of `specrec explain CODE`; none for an unknown code.
pub fn explain(code: &str) -> Option<String> {
    let found = all().find(|entry| entry.code.eq_ignore_ascii_case(code))?;
    let Explanation { code, title, text, example, fix } = found;
    Some(format!("{code}: {title}\n\n{text}\n\nWrong:\n\n{}\n\nRight:\n\n{}\n", indented(example), indented(fix)))
}

fn indented(text: &str) -> String {
    let lines: Vec<String> =
        text.lines().map(|line| if line.is_empty() { String::new() } else { format!("    {line}") }).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{Diags, Sources};
    use std::path::Path;

    #[test]
    fn codes_are_alphabetical_and_each_says_something() {
        let codes: Vec<&str> = all().map(|entry| entry.code).collect();
        assert!(codes.windows(2).all(|pair| pair[0] < pair[1]), "{codes:?}");
        for entry in all() {
            let texts = [entry.title, entry.text, entry.example, entry.fix];
            assert!(texts.iter().all(|text| !text.trim().is_empty() && *text == text.trim()), "{}", entry.code);
        }
    }

    #[test]
    fn an_explanation_has_an_example_and_a_way_out() {
        let text = explain("e0103").unwrap();
        assert!(text.starts_with("E0103: ") && text.contains("\nWrong:\n\n    ") && text.contains("\nRight:\n\n    "));
        assert_eq!(explain("E9999"), None);
    }

    /// Codes whose example is a command, or needs a second file.
    const NOT_ONE_SPEC: &[&str] = &["E0107", "E0108", "E0115"];

    fn found(yaml: &str) -> Vec<&'static str> {
        let head = [("specrec:", "specrec: 1\n"), ("samples:", "samples: {from: logs}\n")];
        let head: String = head.iter().filter(|(key, _)| !yaml.contains(key)).map(|(_, line)| *line).collect();
        let (mut sources, mut diags) = (Sources::default(), Diags::default());
        crate::syntax::load_text(
            "example.yaml",
            &format!("{head}{yaml}\n"),
            Path::new(""),
            &[],
            &mut sources,
            &mut diags,
        );
        diags.list().iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn examples_of_syntax_errors_have_the_error_and_their_fixes_have_none() {
        for entry in e01::CODES.iter().filter(|entry| !NOT_ONE_SPEC.contains(&entry.code)) {
            assert_eq!(found(entry.example), [entry.code], "{}", entry.code);
            assert_eq!(found(entry.fix), [""; 0], "{}", entry.code);
        }
    }
}
