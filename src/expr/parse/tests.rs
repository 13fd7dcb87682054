//! What expressions read as, and what their errors say.

use super::*;
use crate::diag::FileId;
use proptest::prelude::*;

fn read(text: &str) -> Result<Expr, Diagnostic> {
    parse(text, &OffsetMap::straight(FileId(0), 0, text.len()))
}

/// Every call, operator and member in parentheses, to see how things bind.
fn bound(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Unary(op, value) => format!("({op:?} {})", bound(value)),
        ExprKind::Binary(op, left, right) => format!("({} {op:?} {})", bound(left), bound(right)),
        ExprKind::Member(of, member) => format!("({}).{}", bound(of), member.name),
        ExprKind::Call { callee, args, .. } => {
            let args: Vec<String> = args.iter().map(|arg| bound(&arg.value)).collect();
            format!("{}({})", callee.name, args.join(", "))
        }
        _ => expr.to_string(),
    }
}

fn error(text: &str) -> (&'static str, String, &str) {
    let error = read(text).unwrap_err();
    let span = error.labels[0].span;
    (error.code, error.title, &text[span.start as usize..span.end as usize])
}

#[test]
fn operators_bind_as_the_table_says() {
    for (text, expected) in [
        ("a + b * c", "(a Add (b Mul c))"),
        ("a - b - c", "((a Sub b) Sub c)"),
        ("a ^ b ^ c", "(a Pow (b Pow c))"),
        ("-a ^ 2", "(Neg (a Pow 2))"),
        ("2 ^ -a * 3", "((2 Pow (Neg a)) Mul 3)"),
        ("not a == b and c", "((Not (a Eq b)) And c)"),
        ("a or b and not c", "(a Or (b And (Not c)))"),
        ("a + b >= c % 2", "((a Add b) Ge (c Rem 2))"),
        ("x + y |> mlp([200, 80]) |> linear(1) |> relu", "relu(linear(mlp((x Add y), [200, 80]), 1))"),
        ("history.item.x", "((history).item).x"),
        ("sample.time - step.time", "((sample).time Sub (step).time)"),
        ("notable + order", "(notable Add order)"),
    ] {
        assert_eq!(bound(&read(text).unwrap()), expected, "{text}");
    }
}

#[test]
fn numbers_and_durations_have_their_value() {
    for (text, value) in [
        ("1e-8", 1e-8),
        (".5", 0.5),
        ("200", 200.0),
        ("5.", 5.0),
        ("3d", 259_200.0),
        ("30m", 1800.0),
        ("1h", 3600.0),
        ("10s", 10.0),
    ] {
        assert_eq!(read(text).unwrap().kind, ExprKind::Number(value));
    }
}

#[test]
fn texts_stand_in_either_quote() {
    for text in ["\"pv\"", "'pv'"] {
        assert_eq!(read(text).unwrap().kind, ExprKind::Text("pv".into()));
    }
    assert_eq!(read(r#"'a\'b\n"'"#).unwrap().kind, ExprKind::Text("a'b\n\"".into()));
}

#[test]
fn an_argument_may_have_any_name() {
    let ExprKind::Call { args, .. } = read("f(x, where=a == 1, if=2, not = 3, as=steps)").unwrap().kind else {
        panic!()
    };
    let names: Vec<_> = args.iter().map(|arg| arg.name.as_ref().map(|name| name.name.as_str())).collect();
    assert_eq!(names, [None, Some("where"), Some("if"), Some("not"), Some("as")]);
}

#[test]
fn a_pipe_gives_the_first_argument() {
    let ExprKind::Call { callee, args, piped } = read("x |> f(y, k=1)").unwrap().kind else { panic!() };
    assert_eq!((callee.name.as_str(), args.len(), piped), ("f", 3, true));
    assert_eq!(args[0].value.kind, ExprKind::Name("x".into()));
    assert_eq!(error("x |> linear(1) * 2").1, "the right side of `|>` is no call");
    assert_eq!(error("x |> (relu)").1, "the right side of `|>` is no call");
}

#[test]
fn a_place_includes_the_parentheses_and_no_blanks() {
    let expr = read("(a + b)  * c ").unwrap();
    let ExprKind::Binary(_, left, right) = &expr.kind else { panic!() };
    assert_eq!((left.span.start, left.span.end, right.span.start, right.span.end), (0, 7, 11, 12));
    assert_eq!((expr.span.start, expr.span.end), (0, 12));
}

#[test]
fn errors_say_what_was_expected_and_where() {
    for (text, code, title, mark) in [
        ("concat(a, b", "E0109", "expected `)`, `,` or an operator, found the end of the expression", ""),
        ("a b", "E0109", "expected the end or an operator, found `b`", "b"),
        ("f(a,)", "E0109", "expected a value, found `)`", ")"),
        ("", "E0109", "expected a value, found the end of the expression", ""),
        ("a < b < c", "E0109", "comparisons do not chain", "<"),
        ("1e999", "E0111", "the number `1e999` is too large", "1e999"),
        ("'\\d'", "E0111", "unknown escape in a text", "\\d"),
        ("f(a=1, b)", "E0113", "an argument without a name stands after one with a name", "b"),
        ("f(a=1, a=2)", "E0114", "argument `a` stands twice", "a"),
        ("x + 3days", "E0109", "`3days` is neither a number nor a name", "3days"),
        ("a. + b", "E0109", "expected a name, found `+`", "+"),
    ] {
        assert_eq!(error(text), (code, title.to_owned(), mark), "{text}");
    }
}

#[test]
fn habits_of_other_languages_get_a_way_out() {
    for (text, help) in [
        ("a && b", "`and`"),
        ("a || b", "`or`"),
        ("a ** b", "`^`"),
        ("!a", "`not`"),
        ("a = b", "`==`"),
        ("a ? b", "`if("),
    ] {
        let error = read(text).unwrap_err();
        assert!(error.help.first().is_some_and(|line| line.contains(help)), "{text}: {error:?}");
    }
}

#[test]
fn deep_nesting_is_an_error_and_no_overflow() {
    for text in [
        "(".repeat(100_000),
        "-".repeat(100_000) + "a",
        format!("a{}", " ^ a".repeat(100_000)),
        format!("a{}", ".b".repeat(5000)),
    ] {
        let code = read(&text).unwrap_err().code;
        assert_eq!(code, "E0110");
    }
    assert!(read(&format!("{}a{}", "(".repeat(60), ")".repeat(60))).is_ok());
    assert!(read(&format!("a{}", " + a".repeat(200))).is_ok());
}

#[test]
fn a_signature_has_a_name_and_parameters() {
    let text = "gated(query, keys, over, hidden=32, sizes=[80, 40])";
    let signature = parse_signature(text, &OffsetMap::straight(FileId(0), 0, text.len())).unwrap();
    assert_eq!(signature.to_string(), text);
    let code = |text: &str| parse_signature(text, &OffsetMap::straight(FileId(0), 0, text.len())).unwrap_err().code;
    assert_eq!((code("f(a, a)"), code("f(a=1, b)"), code("f"), code("f(a.b)")), ("E0114", "E0113", "E0109", "E0109"));
}

#[test]
fn names_are_words_that_are_no_keywords() {
    assert!(is_name("movie_2") && is_name("_x") && is_name("类目"));
    assert!(!is_name("if") && !is_name("2x") && !is_name("user-id") && !is_name("") && !is_name(" a"));
}

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,60}") {
        let _ = read(&text);
    }

    #[test]
    fn no_text_of_tokens_panics(tokens in proptest::collection::vec(proptest::sample::select(vec![
        "a", "f(", ")", "(", "[", "]", ",", "=", "==", "|>", "-", "not ", "and ", "if(", "\"", "'", "\\", "1.", ".5", "e3", "d", ".", " ", "\n", "é", "^",
    ]), 0..40)) {
        let _ = read(&tokens.concat());
    }
}
