//! Tables and features as YAML.

use super::yaml::{Map, Yaml, expr, number, quoted, word, words};
use crate::syntax::spec::{Edges, FeatureKind, FeatureSpec, Fill, Missing, Pool, Scale, Side, TableSpec, Tuning};

pub(super) fn table(table: &TableSpec) -> Yaml {
    let mut map = Map::default();
    map.maybe("of", table.of.as_ref(), |of| word(&of.name));
    own_table(&mut map, table);
    if let Some(vectors) = &table.from {
        let mut own = Map::default();
        own.put("path", word(&vectors.path.value));
        own.put("key", word(&vectors.key.name));
        own.put("columns", words(&vectors.columns));
        map.put("from", own.into());
        map.unless(vectors.missing_mean, "missing", || word("zeros"));
    }
    map.maybe("train", table.train.as_ref(), |tuning| match tuning.value {
        Tuning::Frozen => word("frozen"),
        Tuning::Tuned => word("tuned"),
        Tuning::AfterEpochs(epochs) => {
            let mut own = Map::default();
            own.put("after", word(&format!("{epochs} epochs")));
            own.into()
        }
    });
    map.or_braces()
}

fn own_table(map: &mut Map, table: &TableSpec) {
    for (key, value) in
        [("dim", &table.dim), ("min_count", &table.min_count), ("hash", &table.hash), ("size", &table.size)]
    {
        map.maybe(key, value.as_ref(), |value| number(f64::from(value.value)));
    }
    map.maybe("init", table.init.as_ref(), expr);
    map.maybe("l2", table.l2.as_ref(), |factor| number(*factor));
}

pub(super) fn feature(feature: &FeatureSpec) -> Yaml {
    let mut map = Map::default();
    map.put(
        "type",
        word(match feature.kind.value {
            FeatureKind::Id => "id",
            FeatureKind::Ids => "ids",
            FeatureKind::Number => "number",
            FeatureKind::Bucket => "bucket",
            FeatureKind::Vector => "vector",
        }),
    );
    map.maybe("column", feature.column.as_ref(), |column| word(&column.name));
    map.maybe("columns", feature.columns.as_ref(), |columns| words(columns));
    map.maybe("value", feature.value.as_ref(), expr);
    map.maybe("side", feature.side.as_ref(), |side| {
        word(match side.value {
            Side::User => "user",
            Side::Item => "item",
            Side::Context => "context",
        })
    });
    map.maybe("table", feature.table.as_ref(), |table| word(&table.name));
    own_table(&mut map, &feature.own_table);
    map.maybe("separator", feature.separator.as_ref(), |separator| quoted(&separator.value));
    match feature.pool {
        Pool::Mean => {}
        Pool::Sum => map.put("pool", word("sum")),
        Pool::None => map.put("pool", word("none")),
    }
    map.maybe("max", feature.max.as_ref(), |max| number(f64::from(max.value)));
    match feature.scale {
        Scale::None => {}
        Scale::Zscore => map.put("scale", word("zscore")),
        Scale::Minmax => map.put("scale", word("minmax")),
    }
    map.maybe("edges", feature.edges.as_ref(), |edges| match &edges.value {
        Edges::Count(count) => number(f64::from(*count)),
        Edges::At(edges) => Yaml::List(edges.iter().map(|edge| number(*edge)).collect()),
    });
    map.unless(feature.missing == Missing::default(), "missing", || {
        let mut own = Map::default();
        own.put(
            "fill",
            match feature.missing.fill {
                Fill::Mean => word("mean"),
                Fill::Value(value) => number(value),
            },
        );
        own.unless(!feature.missing.flag, "flag", || word("true"));
        own.into()
    });
    map.maybe("serve_as", feature.serve_as.as_ref(), |value| number(value.value));
    map.into()
}
