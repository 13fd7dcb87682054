//! Specs as they are read: every form once, and what slips give.

use super::spec::*;
use super::*;
use crate::expr::ast::ExprKind;
use std::path::Path;

fn read(text: &str, sets: &[&str]) -> (Option<Spec>, Diags) {
    let (mut sources, mut diags) = (Sources::default(), Diags::default());
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    let spec = load_text("test.yaml", text, Path::new("dir"), &sets, &mut sources, &mut diags);
    (spec, diags)
}

fn good(text: &str, sets: &[&str]) -> Spec {
    let (spec, diags) = read(text, sets);
    assert!(diags.list().is_empty(), "{:#?}", diags.list());
    spec.unwrap()
}

fn codes(text: &str) -> Vec<&'static str> {
    read(text, &[]).1.list().iter().map(|finding| finding.code).collect()
}

const HEAD: &str = "specrec: 1\nsamples: {from: logs}\n";

fn shipped(path: &str) -> Spec {
    let (mut sources, mut diags) = (Sources::default(), Diags::default());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let spec = load(&path, &[], &mut sources, &mut diags);
    assert!(diags.list().is_empty(), "{:#?}", diags.list());
    spec.unwrap()
}

#[test]
fn shipped_specs_are_read() {
    let din = shipped("specs/din.yaml");
    assert_eq!(din.name.name, "din");
    assert_eq!(din.sources[1].value.key.as_ref().unwrap().name, "movieId");
    assert_eq!(din.samples.split.as_ref().unwrap().value, Split::Time(vec![0.8, 0.1, 0.1]));
    assert_eq!(din.model[1].name.name, "logit");
    assert_eq!((din.train.batch, din.train.patience, din.train.seed), (512, Some(2), 1));
    assert_eq!(shipped("specs/base.yaml").model.len(), 2);
    assert_eq!(shipped("specs/deepfm.yaml").tables[0].value.of.as_ref().unwrap().name, "movie");
}

#[test]
fn a_path_of_an_extended_file_is_relative_to_that_file() {
    let spec = shipped("examples/custom_attention.yaml");
    assert_eq!(spec.sources[0].value.paths[0].value, "../examples/movielens/ratings.csv");
    assert_eq!(spec.blocks[0].signature.to_string(), "gated(query, keys, over, hidden=32)");
    assert_eq!(spec.blocks[0].body[1].name.name, "return");
    assert_eq!(spec.name.name, "custom_attention");
}

/// The whole surface of the language, with alternatives in further entries.
const SURFACE: &str = r#"
specrec: 1
let: {units: [200, 80], keep: 50, data: /mnt/taobao, act: relu, seen: "pv"}
sources:
  logs: {path: "{data}/logs/dt=*/*.parquet", partition: dt, where: not is_bot}
  acts: {path: ["{data}/a.gz", b.gz], columns: [user_id, ts], delimiter: "\t", missing: [""], time: {column: ts, unit: s, zone: Asia/Shanghai}, on_error: skip, encoding: latin1, format: csv}
  ads:  {path: ads.csv, key: ad_id}
samples:
  from: logs
  per: steps of 10
  join: {ads: ad_id, acts: {column: user_id, missing: drop}}
  time: ts
  labels:
    click: clk == 1
    conv:  {is: buy == 1, known_after: 3d}
  outcomes: [dwell, buy]
  split: {train: dt <= 20170511, valid: dt == 20170512, test: dt == 20170513}
  negatives: {n: 1, of: item, by: uniform, not_in: [clicks]}
  downsample: {where: not click, keep: 0.2}
  ties: row_order
tables:
  ad:    {dim: 16, min_count: 2, unknown: shared, init: normal(0.01), l2: 0.00001}
  brand: {dim: 8, hash: 100000}
  wide:  {of: ad, dim: 1, init: zeros}
  text:  {of: ad, from: {path: vec.parquet, key: ad_id, column: vec}, train: {after: 1 epoch}, missing: zeros}
features:
  user:  {type: id, column: user_id, side: user, dim: 16}
  hour:  {type: id, value: hour(ts), size: 24, side: context}
  place: {type: id, column: pos, size: 20, side: context, serve_as: 1}
  ad:    {type: id, column: ad_id, table: ad, side: item}
  cate:  id
  tags:  {type: ids, separator: "|", pool: none, max: 20}
  price: {type: number, value: log(1 + price), scale: zscore, missing: {fill: mean, flag: true}, side: item}
  ago:   {type: bucket, value: log2(1 + sample.time - step.time), edges: 32, dim: 8}
  age:   {type: bucket, edges: [18, 25, 35]}
  look:  {type: vector, columns: [v1, v2]}
  C1..C26: {type: id, hash: 1000000, dim: 16}
groups: {kind: [cate, tags], item: [ad, cate, price]}
axes:
  clicks: {from: acts, by: user_id, where: act_type == seen, last: keep}
  buys:   {from: acts, by: user_id, last: 2 * keep, delay: 1h}
  stored: {columns: {ad: hist_ads, step.time: hist_ts}, order: newest_first, last: keep}
  visit:  {within: clicks, gap: 30m, last: 10}
  slate:  {list: request_id, order: rank, max: 200, cut: true}
  drawn:  {draw: item, n: 4, by: popularity, power: 0.75, not_in: [clicks], along: [], seed: 1}
runs: {pv: {run: runs/din, value: hidden, along: slate}}
blocks:
  gated(query, keys, over, hidden=keep):
    act: query * keys
    return: sum(act, over=over)
model:
  x:   concat(user, hour, item, lookup(ad, text))
  ctr: x |> mlp(units, activation=act) |> linear(1)
losses:
  click: bce(ctr, click)
outputs:
  p_click: sigmoid(ctr)
metrics:
  gauc: gauc(p_click, click, by=user_id)
train: {init: {run: runs/0512, vocabulary: grow}, batch: 4096, epochs: 1, shuffle: none, validate: 5000 steps, monitor: gauc, patience: 2, clip: 5, seed: 7,
        optimizer: {dense: adamw, lr: 0.001, tables_lr: .01, betas: [0.8, 0.99], schedule: {warmup: 100 steps, decay: cosine, to: 0.1}}}
"#;

#[test]
fn every_form_of_the_language_is_read() {
    let spec = good(SURFACE, &[]);
    assert_eq!(spec.name.name, "test");
    let paths = |at: usize| spec.sources[at].value.paths.iter().map(|path| path.value.as_str()).collect::<Vec<_>>();
    assert_eq!((paths(0), paths(1)), (vec!["/mnt/taobao/logs/dt=*/*.parquet"], vec!["/mnt/taobao/a.gz", "b.gz"]));
    let acts = &spec.sources[1].value;
    assert_eq!(
        (acts.delimiter.as_ref().unwrap().value.as_str(), acts.on_error, acts.missing.as_deref()),
        ("\t", OnError::Skip, Some(&[String::new()][..]))
    );
    assert_eq!(spec.samples.per, Per::Steps(10));
    assert_eq!((spec.samples.join[0].missing, spec.samples.join[1].missing), (JoinMissing::Null, JoinMissing::Drop));
    assert_eq!(spec.samples.labels[1].value.known_after, Some(259_200.0));
    assert!(
        matches!(&spec.samples.split.as_ref().unwrap().value, Split::Where(parts) if parts.len() == 3 && parts[0].0 == Part::Train)
    );
    assert_eq!(spec.tables[3].value.train.as_ref().unwrap().value, Tuning::AfterEpochs(1));
    assert!(!spec.tables[3].value.from.as_ref().unwrap().missing_mean);
    assert_eq!(spec.features.len(), 10 + 26);
    let feature = |name: &str| &spec.features.iter().find(|feature| feature.name.name == name).unwrap().value;
    assert_eq!(
        (feature("cate").kind.value, feature("C26").own_table.hash.as_ref().unwrap().value),
        (FeatureKind::Id, 1_000_000)
    );
    assert_eq!(
        (feature("price").missing, feature("price").scale),
        (Missing { fill: Fill::Mean, flag: true }, Scale::Zscore)
    );
    assert_eq!(feature("age").edges.as_ref().unwrap().value, Edges::At(vec![18.0, 25.0, 35.0]));
    assert_eq!(
        spec.groups.iter().map(|group| (group.name.name.as_str(), group.value.len())).collect::<Vec<_>>(),
        [("kind", 2), ("item", 3), ("C", 26)]
    );
    let AxisOrigin::From { filter, last, .. } = &spec.axes[0].value.origin else { panic!() };
    assert_eq!(
        (filter.as_ref().unwrap().to_string(), last.as_ref().unwrap().value),
        ("act_type == \"pv\"".to_owned(), 50)
    );
    assert!(
        matches!(&spec.axes[1].value.origin, AxisOrigin::From { last, delay, .. } if last.as_ref().is_some_and(|last| last.value == 100) && *delay == 3600.0)
    );
    assert!(
        matches!(&spec.axes[2].value.origin, AxisOrigin::Columns { columns, newest_first: true, .. } if columns[1].0.name == "step.time")
    );
    assert!(matches!(&spec.axes[5].value.origin, AxisOrigin::Draw(draw) if draw.power == 0.75 && draw.n == 4));
    assert_eq!(spec.model[1].value.to_string(), "x |> mlp([200, 80], activation=relu) |> linear(1)");
    let block = &spec.blocks[0];
    assert_eq!(
        (block.signature.to_string().as_str(), block.body[1].value.to_string().as_str()),
        ("gated(query, keys, over, hidden=50)", "sum(act, over=over)")
    );
    assert_eq!(
        (spec.train.validate, spec.train.shuffle, spec.train.clip, spec.train.seed),
        (Some(5000), false, Some(5.0), 7)
    );
    let optimizer = &spec.train.optimizer;
    assert_eq!(
        (optimizer.dense.value.as_str(), optimizer.tables.value.as_str(), optimizer.weight_decay),
        ("adamw", "lazy_adam", 0.01)
    );
    assert_eq!((optimizer.beta1, optimizer.schedule), (0.8, Schedule { warmup: 100, decay: Decay::Cosine, to: 0.1 }));
}

#[test]
fn the_prefix_of_many_features_is_the_column_of_each() {
    let text = "specrec: 1\nsources: {rows: {path: rows.csv}}\nsamples: {from: rows}\nfeatures:\n  I1..I3: {type: number, value: log(1 + I) * II}\n";
    let spec = good(text, &[]);
    let values = spec.features.iter().map(|feature| feature.value.value.as_ref().unwrap().to_string());
    let expected = ["I1", "I2", "I3"].map(|name| format!("log(1 + {name}) * II"));
    assert_eq!(values.collect::<Vec<_>>(), expected);
}

#[test]
fn a_printed_spec_reads_back_as_the_same_spec() {
    let (mut sources, mut diags) = (Sources::default(), Diags::default());
    let mut again = |spec: &Spec| {
        let text = print::print(spec);
        let read = load_text("test.yaml", &text, &spec.base, &[], &mut sources, &mut diags);
        assert!(diags.list().is_empty(), "{}\n{text}", crate::diag::render::render_all(diags.list(), &sources, false));
        assert_eq!(crate::diag::without_spans(&read.unwrap()), crate::diag::without_spans(spec), "{text}");
        text
    };
    for path in ["specs/din.yaml", "specs/base.yaml", "specs/deepfm.yaml", "examples/custom_attention.yaml"] {
        again(&shipped(path));
    }
    let text = again(&good(SURFACE, &[]));
    insta::assert_snapshot!(text);
    for odd in [
        "let: {act: \"relu\", b: [relu, \"a{{b}\", -1.5, [true]]}\nsources: {ab: {path: \"{act}/{{x}: y #.csv\", missing: [\"\", \"~\"], delimiter: \"\\u0001\"}}\n",
        "samples: {from: \"null\", time: \"true\", split: {train: {from: a}, test: {from: \"b: c\"}}, outcomes: [\"\", \"a, b\", \"5\"]}\n",
        "model:\n  x: '[a, \"b: c\"]'\n  y: 'a == \"x #y: z\"'\n  z: 'null'\n  n: '-5'\n  w: '(a)'\n  v: \"f('é\\\\n\\\\t')\"\n",
        "samples: {from: a, split: {by: random, parts: [0.5, 0.5]}}\ntables: {t: {}}\ntrain: {optimizer: {schedule: {decay: exponential(0.9)}}}\n",
        "samples: {from: a, split: {by: leave_one_out, of: u}, per: user}\naxes: {h: {within: a, column: b}}\nblocks:\n  'f(a, b=\"x: y\", c=[1, 2])':\n    return: a\n",
    ] {
        let head = if odd.contains("samples:") { "specrec: 1\n" } else { HEAD };
        again(&good(&format!("{head}{odd}"), &[]));
    }
}

#[test]
fn sets_reach_constants_maps_and_expressions() {
    let spec = good(
        SURFACE,
        &["let.keep=7", "train.optimizer.lr=0.5", "model.ctr=x |> linear(1)", "features.C1..C26.dim=4", "axes.buys=~"],
    );
    let AxisOrigin::From { last, .. } = &spec.axes[0].value.origin else { panic!() };
    assert_eq!((last.as_ref().unwrap().value, spec.train.optimizer.lr, spec.axes.len()), (7, 0.5, 5));
    assert_eq!(spec.model[1].value.to_string(), "x |> linear(1)");
    assert_eq!(spec.features.last().unwrap().value.own_table.dim.as_ref().unwrap().value, 4);
    let (_, diags) = read(SURFACE, &["train.batc=5"]);
    assert_eq!((diags.list()[0].code, diags.list()[0].title.as_str()), ("E0102", "train has no key `batc`"));
}

#[test]
fn all_findings_of_a_file_come_at_once() {
    let text = "specrec: 2\nsorces: {}\nsamples: {from: logs, ties: maybe, outcomes: rating}\nfeatures:\n  a: {type: idd}\n  2b: id\nmodel:\n  x: f(a\n  y: f(b)\n  y: 2\n";
    let mut found = codes(text);
    found.sort_unstable();
    assert_eq!(found, ["E0102", "E0103", "E0104", "E0109", "E0112", "E0112", "E0120", "E0122"]);
    let (spec, _) = read(text, &[]);
    let spec = spec.unwrap();
    assert_eq!(spec.broken.iter().map(|name| name.name.as_str()).collect::<Vec<_>>(), ["a", "x"]);
    assert_eq!(spec.model.len(), 1);
}

#[test]
fn a_torn_call_is_one_finding_and_is_mended() {
    for (text, expected) in [
        ("losses: {click: bce(a, b), aux: f(c)}", "bce(a, b)"),
        ("losses: {click: bce(a, over=b), aux: f(c)}", "bce(a, over=b)"),
        ("losses: {click: f(bce(a, b), c), aux: f(c)}", "f(bce(a, b), c)"),
    ] {
        let (spec, diags) = read(&format!("{HEAD}{text}\n"), &[]);
        assert_eq!(
            diags.list().iter().map(|finding| finding.code).collect::<Vec<_>>(),
            ["E0106"],
            "{:#?}",
            diags.list()
        );
        assert!(diags.list()[0].help[0].contains(&format!("\"{expected}\"")), "{:#?}", diags.list());
        let losses = spec.unwrap().losses;
        assert_eq!((losses.len(), losses[0].value.to_string().as_str()), (2, expected));
    }
    // YAML itself cannot go on here, but the finding is the same.
    assert_eq!(codes(&format!("{HEAD}losses: {{click: f(a, [b, c]), aux: g}}\n")), ["E0106"]);
    assert_eq!(codes(&format!("{HEAD}losses: {{click: f(a, k=[b, c])}}\n")), ["E0106"]);
    assert_eq!(codes(&format!("{HEAD}axes: {{h: {{from: logs, by: u, where: f(a, b), last: 3}}}}\n")), ["E0106"]);
}

#[test]
fn an_error_inside_an_expression_is_marked_in_the_file_for_all_five_styles() {
    for body in [
        "x: aa + bb cc",
        "x: aa\n    + bb\n    cc # later",
        "x: 'aa +  bb cc'",
        "x: \"\\u0061a + \\\n     bb cc\"",
        "x: |\n    aa\n      + bb\n    cc\n",
        "x: >-\n    aa +\n    bb\n\n    cc\n",
    ] {
        let text = format!("{HEAD}model:\n  {body}\n");
        let (_, diags) = read(&text, &[]);
        let span = diags.list()[0].labels[0].span;
        assert_eq!((diags.list()[0].code, &text[span.start as usize..span.end as usize]), ("E0109", "cc"), "{body}");
    }
}

#[test]
fn line_ends_and_a_byte_order_mark_change_nothing() {
    let expected = crate::diag::without_spans(&good(SURFACE, &[]));
    let windows = SURFACE.replace('\n', "\r\n");
    for text in [windows.clone(), format!("\u{feff}{SURFACE}"), format!("\u{feff}---\r\n{windows}...\r\n")] {
        assert_eq!(crate::diag::without_spans(&good(&text, &[])), expected);
        let broken = text.replace("mlp(units, activation=act)", "mlp(units act)");
        let span = read(&broken, &[]).1.list()[0].labels[0].span;
        assert_eq!(&broken[span.start as usize..span.end as usize], "act");
    }
}

#[test]
fn aliases_repeat_values_and_cannot_explode() {
    let spec = good(&format!("{HEAD}features: {{a: &f {{type: id, dim: 4}}, b: *f}}\n"), &[]);
    assert_eq!(spec.features[1].value.own_table.dim.as_ref().unwrap().value, 4);
    let bomb: String =
        (1..40).map(|at| format!("b{at}: &b{at} [*b{}, *b{}, *b{}]\n", at - 1, at - 1, at - 1)).collect();
    assert_eq!(codes(&format!("{HEAD}b0: &b0 [x, x]\n{bomb}")), ["E0121"]);
    let tower: String = (1..2000).map(|at| format!("b{at}: &b{at} [*b{}]\n", at - 1)).collect();
    assert_eq!(codes(&format!("{HEAD}b0: &b0 [x, x]\n{tower}")), ["E0121"]);
    let doubling: String = (1..60).map(|at| format!("  b{at}: [b{}, b{}]\n", at - 1, at - 1)).collect();
    assert!(codes(&format!("{HEAD}let:\n  b0: [1, 2]\n{doubling}")).contains(&"E0110"));
}

#[test]
fn files_that_extend_each_other_are_a_finding() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    file("a.yaml", "extends: b.yaml\nspecrec: 1\n");
    file("b.yaml", "extends: sub/../a.yaml\nspecrec: 1\n");
    file("c.yaml", "extends: [nowhere.yaml]\nspecrec: 1\n");
    file("d.yaml", "extends: [e.yaml, f.yaml]\nlosses: {click: ~}\n");
    file("e.yaml", "specrec: 1\nsamples: {from: logs, ties: out}\nlosses: {click: a, aux: b}\nmodel: {x: 1}\n");
    file("f.yaml", "samples: {ties: row_order}\nmodel: {x: 2}\n");
    let load = |name: &str| {
        let (mut sources, mut diags) = (Sources::default(), Diags::default());
        let spec = load(&dir.path().join(name), &[], &mut sources, &mut diags);
        (spec, diags.list().iter().map(|finding| finding.code).collect::<Vec<_>>())
    };
    assert_eq!(load("a.yaml").1, ["E0108"]);
    assert_eq!(load("c.yaml").1, ["E0107"]);
    assert_eq!(load("none.yaml").1, ["E0107"]);
    let (spec, codes) = load("d.yaml");
    let spec = spec.unwrap();
    assert!(codes.is_empty());
    assert_eq!((spec.losses.len(), spec.samples.ties), (1, Ties::RowOrder));
    assert_eq!(spec.model[0].value.kind, ExprKind::Number(2.0));
}

#[test]
fn a_library_is_blocks_alone() {
    let (mut sources, mut diags) = (Sources::default(), Diags::default());
    let blocks = load_blocks("lib", "specrec: 1\nblocks:\n  f(x, n=2):\n    return: x * n\n", &mut sources, &mut diags);
    assert!(diags.list().is_empty());
    assert_eq!(blocks.len(), 1);
}
