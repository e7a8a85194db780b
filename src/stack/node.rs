//! The parsed tree: what the text says, with its place, not yet what it means.

use super::source::Span;

#[derive(Clone, Debug)]
pub struct Node {
    pub span: Span,
    pub body: Body,
}

#[derive(Clone, Debug)]
pub enum Body {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Clone, Debug)]
pub struct Scalar {
    pub text: String,
    /// Written without quotes, so that YAML's rules say what it is.
    pub plain: bool,
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub key: Key,
    pub value: Node,
}

#[derive(Clone, Debug)]
pub struct Key {
    pub text: String,
    pub span: Span,
}

/// What YAML 1.2's core schema says about an unquoted scalar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Core {
    Null,
    Bool(bool),
    /// `canonical`: written the one way that reads back as itself (`8000`, not `0123`, `+5`, `0x1F`).
    Int {
        value: Option<i64>,
        canonical: bool,
    },
    Float,
    /// Text in YAML 1.2, a boolean in YAML 1.1 (`yes`, `off`).
    Word11(bool),
    Text,
}

impl Scalar {
    pub fn core(&self) -> Core {
        if !self.plain {
            return Core::Text;
        }
        match self.text.as_str() {
            "" | "~" | "null" | "Null" | "NULL" => return Core::Null,
            "true" | "True" | "TRUE" => return Core::Bool(true),
            "false" | "False" | "FALSE" => return Core::Bool(false),
            "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "y" | "Y" => return Core::Word11(true),
            "no" | "No" | "NO" | "off" | "Off" | "OFF" | "n" | "N" => return Core::Word11(false),
            _ => {}
        }
        number(&self.text)
    }

    pub fn is_null(&self) -> bool {
        self.core() == Core::Null
    }
}

fn number(text: &str) -> Core {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let all =
        |digits: &str, ok: fn(&u8) -> bool| !digits.is_empty() && digits.as_bytes().iter().all(ok);
    if all(unsigned, u8::is_ascii_digit) {
        let value = text.parse::<i64>().ok();
        return Core::Int {
            canonical: value.is_some_and(|value| value.to_string() == text),
            value,
        };
    }
    let radix = |prefix: &str, radix: u32, ok: fn(&u8) -> bool| {
        text.strip_prefix(prefix)
            .filter(|digits| all(digits, ok))
            .map(|digits| Core::Int {
                value: i64::from_str_radix(digits, radix).ok(),
                canonical: false,
            })
    };
    if let Some(int) = radix("0x", 16, u8::is_ascii_hexdigit)
        .or_else(|| radix("0o", 8, |b| (b'0'..=b'7').contains(b)))
    {
        return int;
    }
    let special = matches!(
        unsigned,
        ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN"
    );
    let numeric = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && unsigned.contains(|c: char| c.is_ascii_digit())
        && unsigned
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'))
        && text.parse::<f64>().is_ok();
    if special || numeric {
        Core::Float
    } else {
        Core::Text
    }
}

impl Node {
    pub fn is_null(&self) -> bool {
        matches!(&self.body, Body::Scalar(scalar) if scalar.is_null())
    }

    pub fn as_map(&self) -> Option<&[Entry]> {
        match &self.body {
            Body::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// `a list`, `a map`, `text`, …: for messages.
    pub fn what(&self) -> &'static str {
        match &self.body {
            Body::List(_) => "a list",
            Body::Map(_) => "a map",
            Body::Scalar(scalar) => match scalar.core() {
                Core::Null => "nothing",
                Core::Bool(_) => "a boolean",
                Core::Int { .. } => "a number",
                Core::Float => "a number with a point",
                Core::Word11(_) | Core::Text => "text",
            },
        }
    }

    /// Calls `see` for every scalar below, however deep.
    pub fn each_scalar<'a>(&'a self, see: &mut dyn FnMut(&'a Scalar, Span)) {
        match &self.body {
            Body::Scalar(scalar) => see(scalar, self.span),
            Body::List(items) => items.iter().for_each(|item| item.each_scalar(see)),
            Body::Map(entries) => entries
                .iter()
                .for_each(|entry| entry.value.each_scalar(see)),
        }
    }

    /// Lays `over` upon this: maps are merged key by key, anything else is replaced.
    pub fn overlay(&mut self, over: &Node) {
        match (&mut self.body, &over.body) {
            (Body::Map(entries), Body::Map(more)) => {
                for entry in more {
                    match entries.iter_mut().find(|e| e.key.text == entry.key.text) {
                        Some(known) => {
                            known.value.overlay(&entry.value);
                            known.key.span = entry.key.span;
                        }
                        None => entries.push(entry.clone()),
                    }
                }
            }
            _ => *self = over.clone(),
        }
    }
}
