//! Text with holes: `${name.attribute}`; `$${` is a literal `${`.

use super::node::Scalar;
use super::source::{Sources, Span};
use crate::diagnostic::{Diagnostic, code};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    Hole(Hole),
}

/// What stands between `${` and `}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hole {
    pub path: String,
    pub span: Span,
}

impl Hole {
    /// `network/vpc.id` → (`network/vpc`, `id`); `${network}` has no attribute.
    pub fn parts(&self) -> (&str, Option<&str>) {
        match self.path.split_once('.') {
            Some((address, attribute)) => (address, Some(attribute)),
            None => (&self.path, None),
        }
    }

    /// The entry of the file that is meant: `network` of `network/vpc.id`.
    pub fn head(&self) -> &str {
        let (address, _) = self.parts();
        address.split('/').next().unwrap_or(address)
    }
}

/// The pieces of a scalar. Holes that cannot be read are reported and left out.
pub fn pieces(
    sources: &Sources,
    scalar: &Scalar,
    span: Span,
    report: &mut Vec<Diagnostic>,
) -> Vec<Piece> {
    let text = scalar.text.as_str();
    if !text.contains("${") {
        return vec![Piece::Text(text.to_owned())];
    }
    let place = Place::new(sources, text, span);
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut at = 0;
    while let Some(found) = text[at..].find("${") {
        let start = at + found;
        if text[..start].ends_with('$') {
            // `$${`: the first `$` is the escape.
            plain.push_str(&text[at..start - 1]);
            plain.push_str("${");
            at = start + 2;
            continue;
        }
        plain.push_str(&text[at..start]);
        let Some(length) = text[start..].find('}') else {
            report.push(
                Diagnostic::error(code::BAD_REFERENCE, "`${` without a closing `}`")
                    .at(sources.origin(place.span(start, text.len())), "")
                    .help("write `$${` for a literal `${`"),
            );
            at = text.len();
            break;
        };
        let end = start + length + 1;
        let path = text[start + 2..end - 1].trim();
        let span = place.span(start, end);
        if is_path(path) {
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            pieces.push(Piece::Hole(Hole {
                path: path.to_owned(),
                span,
            }));
        } else {
            report.push(
                Diagnostic::error(
                    code::BAD_REFERENCE,
                    format!("`${{{path}}}` is not a reference"),
                )
                .at(sources.origin(span), "")
                .help("a reference is `${name.attribute}`, `${var.name}` or a built-in such as `${prefix}`; `$${` is a literal `${`"),
            );
        }
        at = end;
    }
    plain.push_str(&text[at..]);
    if !plain.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    pieces
}

fn is_path(path: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let mut dotted = path.split('.');
    let address = dotted.next().unwrap_or_default();
    address.split('/').all(word) && dotted.all(word)
}

/// Where a byte of the scalar's text stands in the file, if the file says it literally.
struct Place {
    span: Span,
    shift: Option<usize>,
}

impl Place {
    fn new(sources: &Sources, text: &str, span: Span) -> Self {
        Self {
            span,
            shift: sources.slice(span).find(text),
        }
    }

    fn span(&self, start: usize, end: usize) -> Span {
        match self.shift {
            Some(shift) => {
                let base = self.span.start as usize + shift;
                Span::new(self.span.file, base + start, base + end)
            }
            None => self.span,
        }
    }
}
