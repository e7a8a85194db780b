use std::collections::BTreeMap;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Diagnostic, Label, Severity, code};

/// The texts that diagnostics point into, by file name.
pub type Texts = BTreeMap<String, String>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Plain,
    Colour,
}

/// All of them, one below the other, with the text underlined; a file whose text is not at hand is named by line alone.
pub fn render(diagnostics: &[Diagnostic], texts: &Texts, style: Style) -> String {
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Colour => Renderer::styled(),
    };
    let texts = &without_secrets(diagnostics, texts);
    let mut out = String::new();
    for diagnostic in diagnostics {
        let report = groups(diagnostic, texts);
        out.push_str(renderer.render(&report).trim_end());
        out.push_str("\n\n");
    }
    out.truncate(out.trim_end().len());
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

/// A secret that was written into the file is not shown on top of that, whichever message quotes its line.
fn without_secrets(diagnostics: &[Diagnostic], texts: &Texts) -> Texts {
    let mut texts = texts.clone();
    let secret = diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.code == code::SECRET_IN_FILE);
    for Label { origin, .. } in secret.filter_map(|diagnostic| diagnostic.primary.as_ref()) {
        let Some(text) = texts.get_mut(&origin.file) else {
            continue;
        };
        let (start, end) = (floor(text, origin.start), floor(text, origin.end));
        if start < end {
            // As many bytes as before, so that every other place stays where it is.
            let stars: String = text[start..end]
                .bytes()
                .map(|byte| if byte == b'\n' { '\n' } else { '*' })
                .collect();
            text.replace_range(start..end, &stars);
        }
    }
    texts
}

fn groups<'a>(diagnostic: &'a Diagnostic, texts: &'a Texts) -> Vec<Group<'a>> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level
        .primary_title(diagnostic.message.as_str())
        .id(diagnostic.code.as_str());
    let mut group = Group::with_title(title);
    for (file, labels) in by_file(diagnostic) {
        match texts.get(file) {
            Some(text) => group = group.element(snippet(file, text, &labels)),
            None => {
                for (_, label) in labels {
                    let line = label.origin.line;
                    group = group.element(
                        Level::NOTE.message(format!("{file}, line {line}: {}", label.text)),
                    );
                }
            }
        }
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    vec![group]
}

type Labels<'a> = Vec<(AnnotationKind, &'a Label)>;

/// The labels of each file, the primary one's file first.
fn by_file(diagnostic: &Diagnostic) -> Vec<(&str, Labels<'_>)> {
    let mut files: Vec<(&str, Labels<'_>)> = Vec::new();
    let primary = diagnostic
        .primary
        .iter()
        .map(|label| (AnnotationKind::Primary, label));
    let secondary = diagnostic
        .secondary
        .iter()
        .map(|label| (AnnotationKind::Context, label));
    for (kind, label) in primary.chain(secondary) {
        let file = label.origin.file.as_str();
        match files.iter_mut().find(|(name, _)| *name == file) {
            Some((_, labels)) => labels.push((kind, label)),
            None => files.push((file, vec![(kind, label)])),
        }
    }
    files
}

fn snippet<'a>(
    file: &'a str,
    text: &'a str,
    labels: &[(AnnotationKind, &'a Label)],
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let mut snippet = Snippet::source(text).path(file);
    for (kind, label) in labels {
        let start = floor(text, label.origin.start);
        let end = floor(text, label.origin.end.max(label.origin.start));
        let mut annotation = kind.span(start..end.max(start));
        if !label.text.is_empty() {
            annotation = annotation.label(label.text.as_str());
        }
        snippet = snippet.annotation(annotation);
    }
    snippet
}

/// The nearest character boundary at or before `at`: a text edited meanwhile must not make a message panic.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
