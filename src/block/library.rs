//! The blocks of a spec: the shipped ones, written in the language and embedded here, and its own. Every block is checked
//! whether it is called or not.

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::{Diagnostic, Diags, Sources};
use crate::expr::ast::{Expr, ExprKind, Ident};
use crate::syntax::load_blocks;
use crate::syntax::spec::{BlockSpec, Spec};

use super::check::{Names, check};
use super::infer;
use super::signature::{Kind, Slot};
use super::{Native, native};

/// The shipped library.
const SHIPPED: &[(&str, &str)] = &[
    ("specs/blocks/activation.yaml", include_str!("../../specs/blocks/activation.yaml")),
    ("specs/blocks/attention.yaml", include_str!("../../specs/blocks/attention.yaml")),
    ("specs/blocks/interaction.yaml", include_str!("../../specs/blocks/interaction.yaml")),
    ("specs/blocks/loss.yaml", include_str!("../../specs/blocks/loss.yaml")),
    ("specs/blocks/pooling.yaml", include_str!("../../specs/blocks/pooling.yaml")),
    ("specs/blocks/recurrent.yaml", include_str!("../../specs/blocks/recurrent.yaml")),
    ("specs/blocks/transformer.yaml", include_str!("../../specs/blocks/transformer.yaml")),
];

/// Every function that an expression can call.
#[derive(Clone, Debug, Default)]
pub struct Library {
    blocks: BTreeMap<String, Block>,
    /// Blocks with a finding: calls of them stay silent.
    broken: BTreeSet<String>,
}

/// A block of the language.
#[derive(Clone, Debug)]
pub struct Block {
    /// Signature and body.
    pub spec: BlockSpec,
    /// Its parameters as a call meets them.
    pub slots: Vec<Slot>,
    /// Whether it is of the shipped library, whose text a user cannot change.
    pub shipped: bool,
}

/// What a name calls.
#[derive(Clone, Copy, Debug)]
pub enum Function<'a> {
    /// A function of the program.
    Native(&'static Native),
    /// A block of the language.
    Block(&'a Block),
}

impl Library {
    /// The shipped blocks and those of a spec, each checked.
    pub fn load(spec: &Spec, sources: &mut Sources, diags: &mut Diags) -> Self {
        let mut raw: BTreeMap<String, (BlockSpec, bool)> = BTreeMap::new();
        for (name, text) in SHIPPED {
            for block in load_blocks(name, text, sources, diags) {
                raw.insert(block.signature.name.name.clone(), (block, true));
            }
        }
        let broken = spec.broken.iter().map(|name| name.name.clone()).collect();
        let mut library = Self { blocks: BTreeMap::new(), broken };
        for block in &spec.blocks {
            let name = &block.signature.name;
            let shipped = raw.get(&name.name).is_some_and(|(_, shipped)| *shipped);
            if shipped || native(&name.name).is_some() {
                let title =
                    format!("`{}` is the name of a {} function", name.name, if shipped { "shipped" } else { "native" });
                diags.push(
                    Diagnostic::new("E0119", title).at(name.span, "").help("a block hides nothing: another name"),
                );
            } else {
                raw.insert(name.name.clone(), (block.clone(), false));
            }
        }
        let tables: BTreeSet<&str> = spec.tables.iter().map(|table| table.name.name.as_str()).collect();
        for name in library.in_order(&raw, diags) {
            let Some((block, shipped)) = raw.remove(&name) else { continue };
            library.add(block, shipped, &tables, diags);
        }
        library
    }

    /// The function of a name.
    pub fn find(&self, name: &str) -> Option<Function<'_>> {
        native(name).map(Function::Native).or_else(|| self.blocks.get(name).map(Function::Block))
    }

    /// What the function of a name takes.
    pub fn slots(&self, name: &str) -> Option<Vec<Slot>> {
        self.find(name).map(|function| match function {
            Function::Native(native) => native.slots(),
            Function::Block(block) => block.slots.clone(),
        })
    }

    /// Whether a name is a function, sound or not.
    pub fn knows(&self, name: &str) -> bool {
        self.find(name).is_some() || self.is_broken(name)
    }

    /// Whether a finding has been made about the block of a name.
    pub fn is_broken(&self, name: &str) -> bool {
        self.broken.contains(name)
    }

    /// Every name that can be called.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        super::BLOCKS.iter().map(|native| native.name).chain(self.blocks.keys().map(String::as_str))
    }

    /// Every block of the language.
    pub fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.blocks.values()
    }

    /// Infers what a block takes and checks its body.
    fn add(&mut self, spec: BlockSpec, shipped: bool, tables: &BTreeSet<&str>, diags: &mut Diags) {
        let slots = infer::slots(&spec, self);
        let mut made = BTreeSet::new();
        spec.body.iter().for_each(|line| {
            super::axis::made(&line.value, &mut |name| {
                made.insert(name.to_owned());
            })
        });
        let mut local = Local { names: BTreeSet::new(), later: BTreeSet::new(), made, tables };
        let mut sound = true;
        for param in &spec.signature.params {
            local.names.insert(param.name.name.clone());
        }
        for (slot, param) in slots.iter().zip(&spec.signature.params) {
            if let Some(default) = &param.default {
                sound &= super::check::check_argument(slot, default, &local, self, diags).sound;
            }
        }
        local.later = spec.body.iter().map(|line| line.name.name.clone()).collect();
        for line in &spec.body {
            if spec.signature.params.iter().any(|param| param.name.name == line.name.name) {
                let title = format!("`{}` is a parameter of `{}`", line.name.name, spec.signature.name.name);
                diags
                    .push(Diagnostic::new("E0119", title).at(line.name.span, "").help("a value has a name of its own"));
                sound = false;
            }
            sound &= check(&line.value, &local, self, diags).sound;
            local.names.insert(line.name.name.clone());
        }
        let name = spec.signature.name.name.clone();
        if sound {
            self.blocks.insert(name, Block { spec, slots, shipped });
        } else {
            self.broken.insert(name);
        }
    }

    /// Names of blocks, callees before callers; those that call themselves are broken.
    fn in_order(&mut self, raw: &BTreeMap<String, (BlockSpec, bool)>, diags: &mut Diags) -> Vec<String> {
        let calls: BTreeMap<&str, Vec<Ident>> =
            raw.iter().map(|(name, (block, shipped))| (name.as_str(), calls(block, *shipped, raw))).collect();
        let (order, cycles) = crate::block::order::order(&calls);
        for cycle in cycles {
            let path: Vec<String> = cycle.iter().map(|step| format!("`{}`", step.name)).collect();
            let first = cycle.first().map(|step| step.name.as_str()).unwrap_or_default();
            let title = format!("block `{first}` calls itself: {}", path.join(" calls "));
            let mut finding = Diagnostic::new("E0205", title);
            for step in cycle.iter().skip(1) {
                finding = finding.at(step.span, "");
            }
            diags.push(finding.help("a block is expanded where it is called, so it ends only if it calls others"));
        }
        let sound: BTreeSet<&str> = order.iter().copied().collect();
        self.broken.extend(raw.keys().filter(|name| !sound.contains(name.as_str())).cloned());
        order.into_iter().map(str::to_owned).collect()
    }
}

/// The blocks that a block names, in calls or as an argument such as `activation=dice`. A shipped block names shipped ones
/// only, whatever a spec calls its own.
fn calls(block: &BlockSpec, shipped: bool, raw: &BTreeMap<String, (BlockSpec, bool)>) -> Vec<Ident> {
    let mut found = Vec::new();
    let params = &block.signature.params;
    let mut see = |name: &Ident| {
        let local = params.iter().any(|param| param.name.name == name.name)
            || block.body.iter().any(|line| line.name.name == name.name);
        if !local && raw.get(&name.name).is_some_and(|(_, other)| *other || !shipped) {
            found.push(name.clone());
        }
    };
    for default in params.iter().filter_map(|param| param.default.as_ref()) {
        each_name(default, &mut see);
    }
    block.body.iter().for_each(|line| each_function(&line.value, &mut see));
    found
}

/// Calls `see` with every callee, and every bare name in the place of an argument that may be a function. What a block
/// takes is not known yet, so each name that it is given may be one.
fn each_function(expr: &Expr, see: &mut dyn FnMut(&Ident)) {
    let ExprKind::Call { callee, args, .. } = &expr.kind else {
        return parts(expr).into_iter().for_each(|part| each_function(part, see));
    };
    see(callee);
    let slots = native(&callee.name).map(Native::slots);
    for (at, arg) in args.iter().enumerate() {
        let slot = slots.as_ref().and_then(|slots| match &arg.name {
            Some(name) => slots.iter().find(|slot| slot.name == name.name),
            None => slots.get(at),
        });
        match &arg.value.kind {
            ExprKind::Name(name) if slot.is_none_or(|slot| matches!(slot.kind, Kind::Function | Kind::Step)) => {
                // The name of shared parameters is no name of anything else.
                if arg.name.as_ref().is_none_or(|name| name.name != "share") {
                    see(&Ident { name: name.clone(), span: arg.value.span });
                }
            }
            _ => each_function(&arg.value, see),
        }
    }
}

/// The parts of an expression.
pub fn parts(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::Number(_) | ExprKind::Text(_) | ExprKind::Bool(_) | ExprKind::Null | ExprKind::Name(_) => Vec::new(),
        ExprKind::Member(base, _) => vec![base],
        ExprKind::Call { args, .. } => args.iter().map(|arg| &arg.value).collect(),
        ExprKind::Unary(_, operand) => vec![operand],
        ExprKind::Binary(_, left, right) => vec![left, right],
        ExprKind::If(a, b, c) => vec![a, b, c],
        ExprKind::List(items) => items.iter().collect(),
    }
}

/// Calls `see` with every callee and bare name of an expression.
pub fn each_name(expr: &Expr, see: &mut dyn FnMut(&Ident)) {
    match &expr.kind {
        ExprKind::Name(name) => see(&Ident { name: name.clone(), span: expr.span }),
        ExprKind::Call { callee, .. } => see(callee),
        _ => {}
    }
    parts(expr).into_iter().for_each(|part| each_name(part, see));
}

/// The names inside a block: its parameters and the values above, and nothing of the spec around it.
struct Local<'a> {
    names: BTreeSet<String>,
    /// Values of the block, also those that stand further down, without its parameters.
    later: BTreeSet<String>,
    /// Axes that expressions of the block make.
    made: BTreeSet<String>,
    tables: &'a BTreeSet<&'a str>,
}

impl Names for Local<'_> {
    fn look(&self, name: &Ident) -> Result<(), Diagnostic> {
        if self.names.contains(&name.name) {
            return Ok(());
        }
        let finding = Diagnostic::new("E0201", format!("unknown name `{}` in a block", name.name));
        if self.later.contains(&name.name) {
            return Err(finding
                .at(name.span, "it stands further down")
                .help("values of a block stand in order of use"));
        }
        match crate::diag::near::near(&name.name, self.names.iter().map(String::as_str)) {
            Some(near) => Err(finding.at(name.span, format!("`{near}` is one"))),
            None => {
                Err(finding.at(name.span, "").help("a block sees its parameters only: what it needs is one of them"))
            }
        }
    }

    fn look_member(&self, _: &Ident, _: &Ident) -> Option<Result<(), Diagnostic>> {
        None
    }

    fn look_axis(&self, name: &str) -> Option<Option<String>> {
        self.made.contains(name).then_some(None)
    }

    fn look_table(&self, name: &Ident) -> Result<(), Diagnostic> {
        if self.tables.contains(name.name.as_str()) {
            return Ok(());
        }
        let finding = Diagnostic::new("E0222", format!("no table `{}`", name.name)).at(name.span, "");
        Err(finding.help(
            "a table that several features share stands under `tables:`; a block can also take it as a parameter",
        ))
    }

    fn is_local(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    fn makes(&self, name: &str) -> bool {
        self.later.contains(name)
    }
}
