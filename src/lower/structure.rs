//! What a spec says about sources, samples, axes, features and training, checked against itself.

use crate::diag::near::near;
use crate::diag::{Diagnostic, Diags};
use crate::expr::ast::Ident;
use crate::syntax::spec::{AxisOrigin, DrawSpec, FeatureKind, FeatureSpec, Named, Per, SourceSpec, Spec, Split};

use super::feature::vector_width;
use super::refer::parent_axis;

/// Makes every finding that needs no expression of the model.
pub(super) fn check(spec: &Spec, diags: &mut Diags) {
    let check = Structure { spec };
    check.samples(diags);
    check.axes(diags);
    spec.features.iter().for_each(|feature| needs(&feature.name, &feature.value, diags));
    check.roots(diags);
}

struct Structure<'a> {
    spec: &'a Spec,
}

impl<'a> Structure<'a> {
    fn is_broken(&self, name: &str) -> bool {
        self.spec.broken.iter().any(|broken| broken.name == name)
    }

    /// The source of a name; a finding if there is none.
    fn source(&self, name: &Ident, diags: &mut Diags) -> Option<&'a Named<SourceSpec>> {
        let found = self.spec.sources.iter().find(|source| source.name.name == name.name);
        if found.is_none() && !self.is_broken(&name.name) {
            let sources = self.spec.sources.iter().map(|source| source.name.name.as_str());
            diags.push(unknown("E0220", "source", name, sources, "sources stand under `sources:`"));
        }
        found
    }

    fn samples(&self, diags: &mut Diags) {
        let samples = &self.spec.samples;
        self.source(&samples.from, diags);
        for join in &samples.join {
            let Some(source) = self.source(&join.source, diags) else { continue };
            if source.value.key.is_none() {
                let title = format!("source `{}` is joined, but has no key", join.source.name);
                let finding =
                    Diagnostic::new("E0221", title).at(join.source.span, "").at(source.name.span, "the source");
                diags.push(finding.help("`key: COLUMN` in the source names the column whose values are unique"));
            }
        }
        match samples.split.as_ref().map(|split| (&split.value, split.span)) {
            Some((Split::From(parts), _)) => parts.iter().for_each(|(_, source)| {
                self.source(source, diags);
            }),
            Some((Split::Time(_), span)) if samples.time.is_none() => {
                let finding = Diagnostic::new("E0225", "a split by time needs the time of a sample");
                diags.push(finding.at(span, "").help("`time: {column: ...}` under `samples:` names its column"));
            }
            _ => {}
        }
        if let Some(negatives) = &samples.negatives {
            self.draw(negatives, diags);
        }
        if samples.per != Per::Row {
            self.per_user(diags);
        }
    }

    /// What samples of users need: to know whose a row is, parts that leave the order whole, and no rows left out.
    fn per_user(&self, diags: &mut Diags) {
        let samples = &self.spec.samples;
        let split = samples.split.as_ref();
        let at = split.map_or(samples.span, |split| split.span);
        let (title, at, help) = if self.spec.user_column().is_none() {
            let help =
                "`split: {by: leave_one_out, of: COLUMN}`, or an axis `{from: SOURCE, by: COLUMN}` of the same source";
            ("samples per user need to know whose a row is", at, help)
        } else if matches!(split.map(|split| &split.value), Some(Split::Random { of: None, .. })) {
            let help = "`of: COLUMN` keeps a user whole";
            ("a random split of rows would show later rows of a user to the training of earlier ones", at, help)
        } else if let Some(downsample) = &samples.downsample {
            let at = downsample.filter.span;
            ("`downsample` is of rows, and samples are per user", at, "`where` of the source leaves rows out")
        } else {
            return;
        };
        diags.push(Diagnostic::new("E0230", title).at(at, "").help(help));
    }

    fn axes(&self, diags: &mut Diags) {
        for axis in &self.spec.axes {
            match &axis.value.origin {
                AxisOrigin::From { from, .. } => {
                    self.source(from, diags);
                }
                AxisOrigin::Columns { columns, .. } => {
                    let features = || self.spec.features.iter().map(|feature| feature.name.name.as_str());
                    for (feature, _) in columns.iter().filter(|(feature, _)| feature.name != "step.time") {
                        if !features().any(|name| name == feature.name) && !self.is_broken(&feature.name) {
                            let help = "a stored list is one of a feature's values: `{columns: {FEATURE: COLUMN}}`";
                            diags.push(unknown("E0201", "feature", feature, features(), help));
                        }
                    }
                }
                AxisOrigin::Within { axis: inner, .. } => self.axis(inner, diags),
                AxisOrigin::Draw(draw) => self.draw(draw, diags),
                AxisOrigin::List { .. } => {}
            }
            self.parents(&axis.name, diags);
        }
        for run in &self.spec.runs {
            run.value.along.iter().for_each(|axis| self.axis(axis, diags));
        }
    }

    /// Whether an axis exists.
    fn axis(&self, name: &Ident, diags: &mut Diags) {
        let axes = || self.spec.axes.iter().map(|axis| axis.name.name.as_str());
        if !axes().any(|axis| axis == name.name) && !self.is_broken(&name.name) {
            diags.push(unknown("E0201", "axis", name, axes(), "axes stand under `axes:`"));
        }
    }

    /// Whether an axis stands under itself.
    fn parents(&self, axis: &Ident, diags: &mut Diags) {
        let mut chain = vec![axis.name.as_str()];
        while let Some(parent) = chain.last().and_then(|name| parent_axis(self.spec, name)) {
            if parent.name == axis.name {
                let path: Vec<String> = chain.iter().map(|name| format!("`{name}`")).collect();
                let title = format!("axis `{}` stands under itself: {}", axis.name, path.join(" under "));
                diags.push(Diagnostic::new("E0203", title).at(axis.span, ""));
                return;
            }
            // A circle further up is the finding of the axes in it.
            if chain.contains(&parent.name.as_str()) {
                return;
            }
            chain.push(&parent.name);
        }
    }

    fn draw(&self, draw: &DrawSpec, diags: &mut Diags) {
        let features = self.spec.features.iter().map(|feature| feature.name.name.as_str());
        let groups = self.spec.groups.iter().map(|group| group.name.name.as_str());
        let mut known = features.chain(groups);
        if !known.any(|name| name == draw.of.name) && !self.is_broken(&draw.of.name) {
            let features = self.spec.features.iter().map(|feature| feature.name.name.as_str());
            diags.push(unknown("E0201", "feature or group", &draw.of, features, "a draw is of a feature or a group"));
        }
        draw.not_in.iter().chain(&draw.along).for_each(|axis| self.axis(axis, diags));
    }

    /// Losses, outputs, what is monitored.
    fn roots(&self, diags: &mut Diags) {
        let spec = self.spec;
        // An entry that could not be read is a finding already.
        if spec.broken.is_empty() {
            let at = spec.model.last().map_or(spec.name.span, |value| value.name.span);
            if spec.losses.is_empty() {
                let finding = Diagnostic::new("E0226", "the spec has no loss").at(at, "");
                diags.push(finding.help("for example\n  losses:\n    click: bce(logit, clicked)"));
            }
            if spec.outputs.is_empty() {
                let finding = Diagnostic::new("E0227", "the spec has no output").at(at, "");
                diags.push(finding.help("for example\n  outputs:\n    ctr: sigmoid(logit)"));
            }
        }
        if let Some(monitor) = &spec.train.monitor {
            let metrics = || spec.metrics.iter().map(|metric| metric.name.name.as_str()).chain(["loss"]);
            if !metrics().any(|name| name == monitor.name) && !self.is_broken(&monitor.name) {
                diags.push(unknown(
                    "E0228",
                    "metric",
                    monitor,
                    metrics(),
                    "`monitor` is a metric of the spec, or `loss`",
                ));
            }
        }
    }
}

/// The finding for a name that stands for nothing of its kind.
fn unknown<'n>(
    code: &'static str,
    what: &str,
    name: &Ident,
    known: impl Iterator<Item = &'n str>,
    help: &str,
) -> Diagnostic {
    let finding = Diagnostic::new(code, format!("no {what} `{}`", name.name));
    match near(&name.name, known) {
        Some(near) => finding.at(name.span, format!("`{near}` is one")),
        None => finding.at(name.span, "").help(help),
    }
}

/// What a feature's type needs and its entry lacks.
fn needs(name: &Ident, feature: &FeatureSpec, diags: &mut Diags) {
    let (lacks, help) = match feature.kind.value {
        FeatureKind::Bucket if feature.edges.is_none() => {
            ("edges", "`edges: 32`, or the edges themselves: `edges: [1, 10, 100]`")
        }
        FeatureKind::Vector if vector_width(feature).is_none() => {
            ("a width", "`columns: [...]` of one number each, or `dim:` where one column holds them all")
        }
        _ => return,
    };
    let title = format!("feature `{}` is a {} without {lacks}", name.name, word(feature.kind.value));
    diags.push(Diagnostic::new("E0224", title).at(name.span, "").help(help));
}

fn word(kind: FeatureKind) -> &'static str {
    match kind {
        FeatureKind::Id => "id",
        FeatureKind::Ids => "list of ids",
        FeatureKind::Number => "number",
        FeatureKind::Bucket => "bucket",
        FeatureKind::Vector => "vector",
    }
}
