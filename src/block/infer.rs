//! What the parameters of a block are, from what its body does with them: a parameter that is handed on as an activation is
//! a function, one that is compared with texts is a word, one that is reduced over is an axis. So a wrong argument is
//! found at the call and not deep inside the block.

use crate::expr::ast::{BinaryOp, Expr, ExprKind};
use crate::syntax::spec::BlockSpec;

use super::library::Library;
use super::signature::{Kind, Slot, bind};

/// The parameters of a block; every block it calls is known to `library`.
pub(super) fn slots(block: &BlockSpec, library: &Library) -> Vec<Slot> {
    let params = block.signature.params.iter().map(|param| {
        let mut uses = Uses { name: &param.name.name, library, kinds: Vec::new(), words: Vec::new() };
        let defaults = block.signature.params.iter().filter_map(|param| param.default.as_ref());
        for expr in defaults.chain(block.body.iter().map(|line| &line.value)) {
            uses.expr(expr);
        }
        let (kind, mut words) = uses.kind();
        if let (Kind::Word, Some(default)) = (kind, param.default.as_ref().and_then(super::signature::word))
            && !words.iter().any(|word| word == default)
        {
            words.insert(0, default.to_owned());
        }
        let required = param.default.is_none();
        let default = param.default.as_ref().map(ToString::to_string).unwrap_or_default();
        Slot { name: param.name.name.clone(), kind, required, default, words, many: false, named_only: false }
    });
    params.chain([Slot::share()]).collect()
}

/// How a body uses one parameter.
struct Uses<'a> {
    name: &'a str,
    library: &'a Library,
    kinds: Vec<Kind>,
    words: Vec<String>,
}

impl Uses<'_> {
    /// The kind that all uses agree on; anything if they do not.
    fn kind(self) -> (Kind, Vec<String>) {
        let Some(&first) = self.kinds.first() else { return (Kind::Any, Vec::new()) };
        let axes = |kind: &Kind| matches!(kind, Kind::Axis | Kind::Axes | Kind::Over);
        if self.kinds.iter().all(axes) {
            // One axis is also a list of axes, and what can be reduced over.
            let one = [Kind::Axis, Kind::Axes].into_iter().find(|kind| self.kinds.contains(kind));
            return (one.unwrap_or(Kind::Over), self.words);
        }
        let settled =
            super::check::is_said_by_word(first) || !matches!(first, Kind::Value | Kind::Ids | Kind::Condition);
        if !settled || self.kinds.iter().any(|kind| *kind != first) {
            return (Kind::Any, Vec::new());
        }
        (first, self.words)
    }

    fn is_it(&self, expr: &Expr) -> bool {
        matches!(&expr.kind, ExprKind::Name(name) if name == self.name)
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Name(_) if self.is_it(expr) => self.kinds.push(Kind::Any),
            ExprKind::Number(_) | ExprKind::Text(_) | ExprKind::Bool(_) | ExprKind::Null | ExprKind::Name(_) => {}
            ExprKind::Member(base, _) => self.expr(base),
            ExprKind::Unary(_, operand) => self.expr(operand),
            ExprKind::Binary(BinaryOp::Eq | BinaryOp::Ne, left, right) => match (&left.kind, &right.kind) {
                (_, ExprKind::Text(word)) if self.is_it(left) => self.word(word.clone()),
                (ExprKind::Text(word), _) if self.is_it(right) => self.word(word.clone()),
                _ => [left, right].into_iter().for_each(|part| self.expr(part)),
            },
            ExprKind::Binary(_, left, right) => [left, right].into_iter().for_each(|part| self.expr(part)),
            ExprKind::If(a, b, c) => [a, b, c].into_iter().for_each(|part| self.expr(part)),
            ExprKind::List(items) => items.iter().for_each(|item| self.expr(item)),
            ExprKind::Call { callee, args, .. } => {
                if callee.name == self.name && !self.library.knows(self.name) {
                    self.kinds.push(Kind::Function);
                }
                let slots = self.library.slots(&callee.name).unwrap_or_default();
                let Ok(bound) = bind(callee, &slots, args, expr.span) else { return };
                let step = slots.iter().zip(&bound).find(|(slot, _)| slot.kind == Kind::Step);
                let step = step.and_then(|(_, args)| args.first()).and_then(|arg| super::signature::word(&arg.value));
                let step = step.and_then(|step| self.library.slots(step)).unwrap_or_default();
                for (slot, arg) in
                    slots.iter().zip(bound).flat_map(|(slot, args)| args.into_iter().map(move |a| (slot, a)))
                {
                    let passed = arg.name.as_ref().filter(|_| slot.kind == Kind::Passed);
                    let slot = match passed {
                        Some(name) => step.iter().find(|slot| slot.name == name.name),
                        None => Some(slot),
                    };
                    let Some(slot) = slot else {
                        self.expr(&arg.value);
                        continue;
                    };
                    if let (Kind::Axes | Kind::Over, ExprKind::List(items)) = (slot.kind, &arg.value.kind) {
                        for item in items {
                            if self.is_it(item) { self.kinds.push(Kind::Axis) } else { self.expr(item) }
                        }
                    } else if self.is_it(&arg.value) {
                        self.kinds.push(if slot.kind == Kind::Lengths { Kind::Count } else { slot.kind });
                        slot.words.iter().for_each(|word| self.add(word.clone()));
                    } else {
                        self.expr(&arg.value);
                    }
                }
            }
        }
    }

    fn word(&mut self, word: String) {
        self.kinds.push(Kind::Word);
        self.add(word);
    }

    fn add(&mut self, word: String) {
        if !self.words.contains(&word) {
            self.words.push(word);
        }
    }
}
