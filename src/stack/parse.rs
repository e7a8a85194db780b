//! YAML text to the spanned tree, by `saphyr-parser`'s events. What YAML offers beyond maps, lists and scalars is refused here with a
//! sentence, so that the rest never meets it.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span as YamlSpan};

use super::node::{Body, Entry, Key, Node, Scalar};
use super::source::{Sources, Span};
use super::syntax_error;
use crate::diagnostic::{Diagnostic, code};

/// Deeper than any stack needs, shallow enough for every recursion over the tree.
const DEEPEST: usize = 64;

/// The tree of `file`, or `None` when the text is not YAML. An empty text is an empty map.
pub fn parse(sources: &Sources, file: u16, report: &mut Vec<Diagnostic>) -> Option<Node> {
    let text = sources.text(file);
    let mut builder = Builder {
        sources,
        file,
        bytes: (!text.is_ascii()).then(|| {
            let ends = std::iter::once(text.len());
            text.char_indices().map(|(at, _)| at).chain(ends).collect()
        }),
        open: Vec::new(),
        root: None,
        documents: 0,
        report,
    };
    for event in Parser::new_from_str(text) {
        match event {
            Ok((event, span)) => {
                if builder.take(event, span).is_err() {
                    return None;
                }
            }
            Err(error) => {
                builder.scan_error(&error);
                return None;
            }
        }
    }
    let end = Span::new(file, 0, 0);
    Some(builder.root.unwrap_or(Node {
        span: end,
        body: Body::Map(Vec::new()),
    }))
}

/// The tree cannot be built further; the reason is reported.
struct Stop;

struct Builder<'a> {
    sources: &'a Sources,
    file: u16,
    /// Byte offset by character index; `None` for ASCII, where both are the same.
    bytes: Option<Vec<usize>>,
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
    report: &'a mut Vec<Diagnostic>,
}

enum Open {
    List(Span, Vec<Node>),
    Map(Span, Vec<Entry>, Option<Key>, HashMap<String, Span>),
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: YamlSpan) -> Result<(), Stop> {
        let span = self.span(span);
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    self.refuse_with(
                        span,
                        "a stack is one YAML document; this begins a second",
                        "keep one document, and put the other into a file of its own",
                    )?;
                }
            }
            Event::Alias(_) => self.refuse(span, "aliases (`*name`) are not supported")?,
            Event::Scalar(text, style, anchor, tag) => {
                self.plain_node(span, anchor, tag.is_some())?;
                let scalar = Scalar {
                    text: text.into_owned(),
                    plain: style == ScalarStyle::Plain,
                };
                let span = self.trim(span);
                self.close(span, Body::Scalar(scalar))?;
            }
            Event::SequenceStart(anchor, tag) => {
                self.plain_node(span, anchor, tag.is_some())?;
                self.open(span, Open::List(span, Vec::new()))?;
            }
            Event::MappingStart(anchor, tag) => {
                self.plain_node(span, anchor, tag.is_some())?;
                self.open(span, Open::Map(span, Vec::new(), None, HashMap::new()))?;
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List(start, items)) => {
                    let last = items.last().map(|node| node.span);
                    self.close(whole(start, span, last), Body::List(items))?;
                }
                Some(Open::Map(start, entries, ..)) => {
                    let last = entries.last().map(|entry| entry.value.span);
                    self.close(whole(start, span, last), Body::Map(entries))?;
                }
                None => {}
            },
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn open(&mut self, span: Span, open: Open) -> Result<(), Stop> {
        if let (Some(Open::Map(_, _, None, _)), Open::Map(..) | Open::List(..)) =
            (self.open.last(), &open)
        {
            self.refuse_with(
                span,
                "a key has to be text",
                "if this is a reference inside `{…}` or `[…]`, quote it: \"${…}\"",
            )?;
        }
        if self.open.len() >= DEEPEST {
            let origin = self.sources.origin(span);
            self.report.push(
                Diagnostic::error(
                    code::TOO_DEEP,
                    format!("nested more than {DEEPEST} levels deep"),
                )
                .at(origin, ""),
            );
            return Err(Stop);
        }
        self.open.push(open);
        Ok(())
    }

    /// A finished node goes to the one that is open around it.
    fn close(&mut self, span: Span, body: Body) -> Result<(), Stop> {
        match self.open.last_mut() {
            None => self.root = Some(Node { span, body }),
            Some(Open::List(_, items)) => items.push(Node { span, body }),
            Some(Open::Map(_, entries, key, _)) => match key.take() {
                Some(key) => entries.push(Entry {
                    key,
                    value: Node { span, body },
                }),
                None => {
                    if let Body::Scalar(scalar) = body {
                        return self.key(span, scalar);
                    }
                }
            },
        }
        Ok(())
    }

    fn key(&mut self, span: Span, scalar: Scalar) -> Result<(), Stop> {
        if scalar.plain && scalar.text == "<<" {
            return self.refuse(span, "merge keys (`<<`) are not supported");
        }
        let Some(Open::Map(_, _, key, seen)) = self.open.last_mut() else {
            return Ok(());
        };
        if let Some(first) = seen.insert(scalar.text.clone(), span) {
            let duplicate = Diagnostic::error(
                code::DUPLICATE_KEY,
                format!("`{}` is given twice", scalar.text),
            )
            .at(self.sources.origin(span), "again here")
            .and(self.sources.origin(first), "first given here")
            .help("keep one of the two");
            self.report.push(duplicate);
        }
        *key = Some(Key {
            text: scalar.text,
            span,
        });
        Ok(())
    }

    fn plain_node(&mut self, span: Span, anchor: usize, tagged: bool) -> Result<(), Stop> {
        if anchor > 0 {
            self.refuse(span, "anchors (`&name`) are not supported")?;
        }
        if tagged {
            self.refuse_with(
                span,
                "YAML tags (`!name`) are not supported",
                "leave the tag out; `!Ref a` and `!GetAtt a.b` are references here: `${a.id}`, `${a.b}`",
            )?;
        }
        Ok(())
    }

    fn refuse(&mut self, span: Span, what: &str) -> Result<(), Stop> {
        self.refuse_with(
            span,
            what,
            "write the value out where it is needed; what repeats can be a variable",
        )
    }

    fn refuse_with(&mut self, span: Span, what: &str, help: &str) -> Result<(), Stop> {
        let origin = self.sources.origin(span);
        self.report.push(
            Diagnostic::error(code::UNSUPPORTED_YAML, what)
                .at(origin, "")
                .help(help),
        );
        Err(Stop)
    }

    fn scan_error(&mut self, error: &ScanError) {
        let text = self.sources.text(self.file);
        let at = self.byte(error.marker().index()).min(text.len());
        let found = syntax_error::explain(text, at, error.info());
        let origin = self
            .sources
            .origin(Span::new(self.file, found.range.start, found.range.end));
        self.report.push(
            Diagnostic::error(code::NOT_YAML, found.message)
                .at(origin, "")
                .help_if(found.help),
        );
    }

    fn byte(&self, index: usize) -> usize {
        match &self.bytes {
            None => index,
            Some(bytes) => bytes
                .get(index)
                .or_else(|| bytes.last())
                .copied()
                .unwrap_or(index),
        }
    }

    fn span(&self, span: YamlSpan) -> Span {
        Span::new(
            self.file,
            self.byte(span.start.index()),
            self.byte(span.end.index()),
        )
    }

    /// Without the white space that block scalars and plain ones may carry along.
    fn trim(&self, span: Span) -> Span {
        let text = self.sources.slice(span).trim_end();
        Span {
            end: span.start + u32::try_from(text.len()).unwrap_or(0),
            ..span
        }
    }
}

/// Block collections end where the next thing begins; their last child says better where they stop.
fn whole(start: Span, end: Span, last: Option<Span>) -> Span {
    let flow = end.end > end.start;
    match last {
        Some(last) if !flow => start.to(last),
        _ => start.to(end),
    }
}
