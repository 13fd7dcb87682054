//! Features and their vocabularies.

use super::super::Want;
use super::super::eval::{self, Kind, Scope};
use super::build::{expect, nothing};
use super::{FeaturePlan, Form, Plan, Rule, VocabularyPlan};
use crate::diag::{Diagnostic, Diags};
use crate::expr::ast::{Expr, ExprKind, Ident};
use crate::ir::input::InputSource;
use crate::syntax::spec::{Edges, FeatureKind, FeatureSpec, Named, Spec, TableSpec};

/// Ids that are rarer in the train part share the unknown row.
const MIN_COUNT: u32 = 2;

/// Adds the features that are wanted, in the order of the spec, and the vocabularies that they need.
pub(super) fn add(spec: &Spec, wants: &[Want], plan: &mut Plan, diags: &mut Diags) {
    let drawn = super::draw::keys(spec, wants);
    let wanted = |name: &str| {
        let reads = |source: &InputSource| matches!(source, InputSource::Feature { feature, .. } | InputSource::Target { feature } if feature == name);
        wants.iter().any(|want| reads(&want.source)) || drawn.contains(&name)
    };
    for feature in spec.features.iter().filter(|feature| wanted(&feature.name.name)) {
        let values = values(feature, diags);
        let form = form(spec, feature, plan, diags);
        plan.features.extend(form.map(|form| FeaturePlan {
            name: feature.name.name.clone(),
            span: feature.name.span,
            values,
            form,
            serve_as: feature.value.serve_as.as_ref().map(|value| value.value),
        }));
    }
    // Tables of other widths on the same ids: a graph asks for their sizes by their own names.
    for table in &spec.tables {
        let root = root(spec, &table.name, &mut Diags::default());
        let shared = root.and_then(|(name, _)| plan.vocabularies.iter().position(|known| known.name == name));
        if let Some(vocabulary) = shared {
            plan.tables.push((table.name.name.clone(), vocabulary));
        }
    }
}

fn values(feature: &Named<FeatureSpec>, diags: &mut Diags) -> Vec<Expr> {
    let column = |name: &Ident| Expr { kind: ExprKind::Name(name.name.clone()), span: name.span };
    let spec = &feature.value;
    let values: Vec<Expr> = match (&spec.value, &spec.columns) {
        (Some(value), _) => vec![value.clone()],
        (None, Some(columns)) if spec.kind.value == FeatureKind::Vector => columns.iter().map(column).collect(),
        (None, _) => vec![column(spec.column.as_ref().unwrap_or(&feature.name))],
    };
    for value in &values {
        match spec.kind.value {
            FeatureKind::Id | FeatureKind::Ids => {
                eval::check(value, &Scope { name: &|_| Some(Kind::Column), times: true }, diags);
            }
            FeatureKind::Number | FeatureKind::Bucket | FeatureKind::Vector => {
                expect(value, Kind::Number, &|_| Some(Kind::Column), true, diags);
            }
        }
    }
    values
}

fn form(spec: &Spec, feature: &Named<FeatureSpec>, plan: &mut Plan, diags: &mut Diags) -> Option<Form> {
    let own = &feature.value;
    Some(match own.kind.value {
        FeatureKind::Id => Form::Id { vocabulary: vocabulary(spec, feature, plan, diags)? },
        FeatureKind::Ids => Form::Ids {
            vocabulary: vocabulary(spec, feature, plan, diags)?,
            separator: own.separator.as_ref().map(|separator| separator.value.clone()),
            max: own.max.as_ref().map(|max| max.value as usize),
        },
        FeatureKind::Number | FeatureKind::Vector => Form::Numbers { scale: own.scale, missing: own.missing },
        FeatureKind::Bucket => {
            let Some(edges) = &own.edges else {
                let finding = Diagnostic::new("E0454", format!("the bucket `{}` has no `edges`", feature.name.name));
                let help = "`edges: 32` puts them at quantiles of the train part, `edges: [1, 7, 30]` where they are";
                diags.push(finding.at(feature.name.span, "").help(help));
                return None;
            };
            if let Edges::At(at) = &edges.value
                && !at.windows(2).all(|pair| pair[0] < pair[1])
            {
                let finding = Diagnostic::new("E0455", "edges of buckets must rise").at(edges.span, "");
                diags.push(finding.help("each edge is larger than the one before"));
                return None;
            }
            Form::Bucket { vocabulary: vocabulary(spec, feature, plan, diags)?, edges: edges.value.clone() }
        }
    })
}

/// The vocabulary of a feature, made if it is new.
fn vocabulary(spec: &Spec, feature: &Named<FeatureSpec>, plan: &mut Plan, diags: &mut Diags) -> Option<usize> {
    let (name, table) = root(spec, feature.value.table.as_ref().unwrap_or(&feature.name), diags)?;
    let rule = match (feature.value.kind.value, &table.hash, &table.size) {
        (FeatureKind::Bucket, ..) => Rule::Buckets,
        (_, Some(buckets), _) => Rule::Hash(buckets.value.max(1)),
        (_, None, Some(size)) => Rule::Size(size.value),
        (_, None, None) => Rule::Counted { min_count: table.min_count.as_ref().map_or(MIN_COUNT, |count| count.value) },
    };
    let known = plan.vocabularies.iter().position(|known| known.name == name);
    if let Some(known) = known.filter(|&known| plan.vocabularies[known].rule != rule) {
        let title = format!("the rows of `{}` cannot be ids and buckets at once", plan.vocabularies[known].name);
        diags.push(Diagnostic::new("E0454", title).at(feature.value.span, ""));
        return None;
    }
    let vocabulary = known.unwrap_or_else(|| {
        plan.vocabularies.push(VocabularyPlan { name: name.clone(), rule });
        plan.vocabularies.len() - 1
    });
    for name in [&feature.name.name, &name] {
        if plan.tables.iter().all(|(known, _)| known != name) {
            plan.tables.push((name.clone(), vocabulary));
        }
    }
    Some(vocabulary)
}

/// Follows `table:` and `of:` to the table whose vocabulary it is.
fn root<'a>(spec: &'a Spec, name: &Ident, diags: &mut Diags) -> Option<(String, &'a TableSpec)> {
    let mut name = name.clone();
    // No chain is longer than there are names; a longer one goes in a circle.
    for _ in 0..=spec.tables.len() + spec.features.len() {
        let table = spec.tables.iter().find(|table| table.name.name == name.name).map(|table| &table.value);
        let feature = spec.features.iter().find(|feature| feature.name.name == name.name).map(|feature| &feature.value);
        let (table, next) = match (table, feature) {
            (Some(table), _) => (table, table.of.clone()),
            (None, Some(feature)) => (&feature.own_table, feature.table.clone().or(feature.own_table.of.clone())),
            (None, None) => {
                diags.push(nothing("a table", &name, spec.tables.iter().map(|table| table.name.name.as_str())));
                return None;
            }
        };
        match next {
            // `ad: {table: ad}` names the table, not the feature itself.
            Some(next) if next.name != name.name => name = next,
            _ => return Some((name.name, table)),
        }
    }
    diags.push(
        Diagnostic::new("E0454", format!("the tables of `{}` name each other in a circle", name.name))
            .at(name.span, ""),
    );
    None
}
