//! Where findings are laid down while the tree is read.

use super::source::{Sources, Span};
use crate::diagnostic::{Diagnostic, Severity};

pub struct Desk<'a> {
    pub sources: &'a Sources,
    pub report: Vec<Diagnostic>,
    /// Places of references to what is wrong elsewhere, and reported there: what follows from them is not known.
    doubts: Vec<Span>,
}

impl<'a> Desk<'a> {
    pub fn new(sources: &'a Sources) -> Self {
        Self {
            sources,
            report: Vec::new(),
            doubts: Vec::new(),
        }
    }

    pub fn doubt(&mut self, span: Span) {
        self.doubts.push(span);
    }

    /// Whether something within this place hangs on what is wrong elsewhere.
    pub fn doubts(&self, span: Span) -> bool {
        self.doubts.iter().any(|doubt| span.holds(*doubt))
    }

    pub fn doubts_any(&self) -> bool {
        !self.doubts.is_empty()
    }

    /// Reports an error at a place.
    pub fn error(&mut self, code: &str, span: Span, message: impl Into<String>) -> Finding<'_, 'a> {
        let diagnostic = Diagnostic::error(code, message).at(self.sources.origin(span), "");
        self.push(diagnostic)
    }

    /// Reports what has no place in a file.
    pub fn push(&mut self, diagnostic: Diagnostic) -> Finding<'_, 'a> {
        Finding {
            sources: self.sources,
            diagnostic: Some(diagnostic),
            report: &mut self.report,
        }
    }

    pub fn has_errors(&self) -> bool {
        self.errors() > 0
    }

    pub fn errors(&self) -> usize {
        let all = self.report.iter();
        all.filter(|diagnostic| diagnostic.severity == Severity::Error)
            .count()
    }
}

/// A finding in the making; laid down when it goes out of scope.
pub struct Finding<'r, 'a> {
    sources: &'a Sources,
    diagnostic: Option<Diagnostic>,
    report: &'r mut Vec<Diagnostic>,
}

impl Finding<'_, '_> {
    fn map(&mut self, change: impl FnOnce(Diagnostic) -> Diagnostic) {
        self.diagnostic = self.diagnostic.take().map(change);
    }

    pub fn label(mut self, text: impl Into<String>) -> Self {
        if let Some(primary) = self.diagnostic.as_mut().and_then(|d| d.primary.as_mut()) {
            primary.text = text.into();
        }
        self
    }

    pub fn and(mut self, span: Span, text: impl Into<String>) -> Self {
        let origin = self.sources.origin(span);
        self.map(|diagnostic| diagnostic.and(origin, text));
        self
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.map(|diagnostic| diagnostic.help(help));
        self
    }

    pub fn help_if(mut self, help: Option<String>) -> Self {
        self.map(|diagnostic| diagnostic.help_if(help));
        self
    }
}

impl Drop for Finding<'_, '_> {
    fn drop(&mut self) {
        self.report.extend(self.diagnostic.take());
    }
}
