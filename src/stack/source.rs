//! Texts, and places in them small enough to stand at every node of the tree.

use crate::diagnostic::Texts;
use crate::model::Origin;

/// A byte range in one of the [`Sources`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    pub file: u16,
    pub start: u32,
    pub end: u32,
}

impl Span {
    /// Whether the other place lies within this one.
    pub fn holds(self, other: Self) -> bool {
        self.file == other.file && self.start <= other.start && other.end <= self.end
    }

    pub fn new(file: u16, start: usize, end: usize) -> Self {
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self {
            file,
            start: small(start),
            end: small(end.max(start)),
        }
    }

    pub fn to(self, end: Span) -> Self {
        Self {
            end: end.end.max(self.end),
            ..self
        }
    }
}

struct Source {
    name: String,
    text: String,
    /// The byte each line starts at.
    lines: Vec<usize>,
}

/// The stack file first, then variable files.
#[derive(Default)]
pub struct Sources(Vec<Source>);

impl Sources {
    pub fn add(&mut self, name: &str, text: &str) -> u16 {
        let mut lines = vec![0];
        lines.extend(text.match_indices('\n').map(|(at, _)| at + 1));
        self.0.push(Source {
            name: name.to_owned(),
            text: text.to_owned(),
            lines,
        });
        u16::try_from(self.0.len() - 1).unwrap_or(u16::MAX)
    }

    pub fn text(&self, file: u16) -> &str {
        self.0
            .get(usize::from(file))
            .map(|s| s.text.as_str())
            .unwrap_or_default()
    }

    pub fn slice(&self, span: Span) -> &str {
        self.text(span.file)
            .get(span.start as usize..span.end as usize)
            .unwrap_or_default()
    }

    pub fn origin(&self, span: Span) -> Origin {
        let Some(source) = self.0.get(usize::from(span.file)) else {
            return Origin::default();
        };
        let start = span.start as usize;
        Origin {
            file: source.name.clone(),
            start,
            end: span.end as usize,
            line: source.lines.partition_point(|&line| line <= start),
        }
    }

    pub fn texts(&self) -> Texts {
        self.0
            .iter()
            .map(|source| (source.name.clone(), source.text.clone()))
            .collect()
    }
}
