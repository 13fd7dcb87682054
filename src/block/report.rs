//! Where a finding stands. A fault inside a block has two places: the line of the block and the call that led there.

use crate::diag::{Diagnostic, Label, Span};
use crate::ir::op::Fault;

use super::evaluate::{Evaluator, Said};

impl Evaluator<'_> {
    /// Makes a finding about what is being evaluated. In a block of the spec its own line is the place and the call is named
    /// beside it; in a shipped block, whose text a user cannot change, it is the other way round.
    pub fn say(&mut self, mut finding: Diagnostic) -> Said {
        for frame in self.frames.iter().rev() {
            let label = Label { span: frame.call, text: format!("in this call of `{}`", frame.block) };
            if frame.shipped {
                finding.labels.insert(0, label);
            } else {
                finding.labels.push(label);
            }
        }
        self.diags.push(finding);
        Said
    }

    /// A result, or its fault as a finding at `span`; the operand at fault has its place in `operands`.
    pub(super) fn placed<T>(&mut self, result: Result<T, Fault>, span: Span, operands: &[Span]) -> Result<T, Said> {
        result.map_err(|fault| {
            let place = fault.operand.and_then(|at| operands.get(at)).copied();
            let mut finding = Diagnostic::new(fault.code, fault.title);
            finding = match place {
                Some(place) => finding.at(place, self.type_at(place)),
                None => finding.at(span, ""),
            };
            // The other operands show what the one at fault does not fit.
            for other in operands.iter().filter(|other| place.is_some_and(|place| **other != place)) {
                let ty = self.type_at(*other);
                if !ty.is_empty() {
                    finding = finding.at(*other, ty);
                }
            }
            finding.help = fault.help;
            self.say(finding)
        })
    }

    /// A result, or its fault as a finding at `span`.
    ///
    /// # Errors
    /// The finding has been made.
    pub fn settle<T>(&mut self, result: Result<T, Fault>, span: Span) -> Result<T, Said> {
        self.placed(result, span, &[])
    }

    /// The type of the value that the expression at a place gave, if it is known.
    pub fn type_at(&self, span: Span) -> String {
        self.traced(span).map(|value| self.to.graph().axes().show(self.to.ty(value))).unwrap_or_default()
    }
}
