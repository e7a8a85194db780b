//! What a secret holds: named values, stored as one JSON object. Generated from the operating system's randomness, merged with what is
//! live, written into one buffer that is wiped. Pure but for the randomness.
//!
//! A copy of a value inside the SDK's request or reply is out of reach, as is serde_json's scratch space for a text with escapes.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use zeroize::Zeroize;

use crate::kind::SecretText;
use crate::model::Value;

/// The alphabet of generated values where the stack names none: safe in URLs, shells and connection strings.
pub const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Where a key's value comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// Made here, once, and never changed afterwards.
    Generate { length: usize, alphabet: String },
    /// Set by an operator; never touched.
    Operator,
    /// Evaluated at every apply.
    Given(Value),
}

impl<'de> Deserialize<'de> for Rule {
    /// `{generate: 48, alphabet: …}`, `{operator: optional}`, `{value: …}`, or the value itself.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let Some(map) = value.as_map() else {
            return Ok(Self::Given(value));
        };
        let part = |name: &str| map.get(name).filter(|part| !part.is_null());
        if let Some(length) = part("generate") {
            let length = length
                .as_int()
                .and_then(|length| usize::try_from(length).ok())
                .ok_or_else(|| D::Error::custom("generate is not a number"))?;
            let alphabet = part("alphabet")
                .and_then(Value::as_text)
                .unwrap_or(ALPHABET);
            return Ok(Self::Generate {
                length,
                alphabet: alphabet.to_owned(),
            });
        }
        if let Some(value) = part("value") {
            return Ok(Self::Given(value.clone()));
        }
        if part("operator").is_some() {
            return Ok(Self::Operator);
        }
        Err(D::Error::custom(
            "a key is one of generate, operator, value",
        ))
    }
}

/// One value as it stands in the JSON object. `Debug` shows neither.
#[derive(Clone, PartialEq)]
pub enum Held {
    Text(SecretText),
    /// Anything but a text (a number, a list), as JSON.
    Json(SecretText),
}

impl Held {
    pub fn text(text: String) -> Self {
        Self::Text(SecretText::new(text))
    }

    pub fn secret(&self) -> &SecretText {
        match self {
            Self::Text(text) | Self::Json(text) => text,
        }
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

impl<'de> Deserialize<'de> for Held {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Held;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Held, E> {
                Ok(Held::text(text.to_owned()))
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<Held, E> {
                Ok(json(value.to_string()))
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Held, E> {
                Ok(json(value.to_string()))
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Held, E> {
                Ok(json(value.to_string()))
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Held, E> {
                Ok(json(serde_json::Value::from(value).to_string()))
            }

            fn visit_unit<E: Error>(self) -> Result<Held, E> {
                Ok(json("null".into()))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, items: A) -> Result<Held, A::Error> {
                let items = serde::de::value::SeqAccessDeserializer::new(items);
                serde_json::Value::deserialize(items).map(|value| json(value.to_string()))
            }

            fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Held, A::Error> {
                let entries = serde::de::value::MapAccessDeserializer::new(entries);
                serde_json::Value::deserialize(entries).map(|value| json(value.to_string()))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

fn json(text: String) -> Held {
    Held::Json(SecretText::new(text))
}

/// All that a secret holds, by key.
pub type Values = BTreeMap<String, Held>;

/// What a secret's text says; `None` when it is not a JSON object. The parser's own complaint is dropped, since it may quote the text.
pub fn parse(text: &str) -> Option<Values> {
    serde_json::from_str(text).ok()
}

/// The JSON object, in a buffer that never grows (a buffer that did would leave pieces behind).
pub fn write(values: &Values) -> SecretText {
    // An escaped character takes six bytes at most.
    let size = |text: &str| 6 * text.len() + 2;
    let room: usize = values
        .iter()
        .map(|(key, held)| size(key) + size(held.secret().expose()) + 2)
        .sum();
    let mut out = String::with_capacity(room + 2);
    out.push('{');
    for (key, held) in values {
        if out.len() > 1 {
            out.push(',');
        }
        quote(key, &mut out);
        out.push(':');
        match held {
            Held::Text(text) => quote(text.expose(), &mut out),
            Held::Json(json) => out.push_str(json.expose()),
        }
    }
    out.push('}');
    SecretText::new(out)
}

/// A JSON text (RFC 8259, section 7), straight into the buffer.
fn quote(text: &str, out: &mut String) {
    const HEX: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => {
                let code = c as usize;
                out.push_str("\\u00");
                out.push(HEX[code >> 4]);
                out.push(HEX[code & 15]);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// A value of that many characters of the alphabet, each as likely as the other.
pub fn generate(length: usize, alphabet: &str) -> Result<SecretText, getrandom::Error> {
    let letters: Vec<char> = alphabet.chars().collect();
    // Bytes past the last whole multiple of the alphabet would favour its first letters.
    let fair = 256 - 256 % letters.len().clamp(1, 256);
    let mut text = String::with_capacity(4 * length);
    let mut bytes = [0_u8; 64];
    let mut made = 0;
    while made < length && !letters.is_empty() {
        getrandom::fill(&mut bytes)?;
        for byte in bytes.iter().map(|byte| usize::from(*byte)) {
            if made < length && byte < fair {
                text.push(letters[byte % letters.len()]);
                made += 1;
            }
        }
    }
    bytes.zeroize();
    Ok(SecretText::new(text))
}

/// What the secret shall hold: the evaluated values as they are now, generated ones made where there is none, and everything else that
/// is live as it is, but for the keys to drop. A generated value that exists never changes, nor does one that an operator set.
pub fn merge(
    live: &Values,
    rules: &BTreeMap<String, Rule>,
    given: BTreeMap<String, SecretText>,
    drop: &[String],
) -> Result<Values, getrandom::Error> {
    let mut merged: Values = live
        .iter()
        .filter(|(key, _)| !drop.contains(key) || rules.contains_key(*key))
        .map(|(key, held)| (key.clone(), held.clone()))
        .collect();
    for (key, value) in given {
        // A number that an operator typed reads the same to the task as the text.
        let same = merged.get(&key).is_some_and(|held| held.secret() == &value);
        if !same {
            merged.insert(key, Held::Text(value));
        }
    }
    for (key, rule) in rules {
        if let Rule::Generate { length, alphabet } = rule
            && !merged.contains_key(key)
        {
            merged.insert(key.clone(), Held::Text(generate(*length, alphabet)?));
        }
    }
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(entries: &[(&str, &str)]) -> Values {
        entries
            .iter()
            .map(|(key, text)| ((*key).to_owned(), Held::text((*text).to_owned())))
            .collect()
    }

    fn rules(json: &str) -> BTreeMap<String, Rule> {
        serde_json::from_str(json).unwrap_or_default()
    }

    fn given(entries: &[(&str, &str)]) -> BTreeMap<String, SecretText> {
        entries
            .iter()
            .map(|(key, text)| ((*key).to_owned(), SecretText::new((*text).to_owned())))
            .collect()
    }

    #[test]
    fn generated_and_operators_values_survive_and_given_ones_follow() -> Result<(), getrandom::Error>
    {
        let live = values(&[
            ("JWT", "old-and-kept"),
            ("FOURSQUARE", "set by hand"),
            ("URL", "postgres://old"),
            ("UNKNOWN", "whoever put it"),
            ("GONE", "was in the stack"),
        ]);
        let rules = rules(
            r#"{"JWT": {"generate": 48}, "NEW": {"generate": 20}, "FOURSQUARE": {"operator": "optional"},
                "LATER": {"operator": "required"}, "URL": {"value": "x"}}"#,
        );
        assert_eq!(rules.len(), 5);
        let merged = merge(
            &live,
            &rules,
            given(&[("URL", "postgres://new")]),
            &["GONE".to_owned(), "JWT".to_owned()],
        )?;
        let keys: Vec<&str> = merged.keys().map(String::as_str).collect();
        assert_eq!(keys, ["FOURSQUARE", "JWT", "NEW", "UNKNOWN", "URL"]);
        let text = |key: &str| {
            merged
                .get(key)
                .map(|held| held.secret().expose().to_owned())
        };
        assert_eq!(text("JWT").as_deref(), Some("old-and-kept"));
        assert_eq!(text("FOURSQUARE").as_deref(), Some("set by hand"));
        assert_eq!(text("URL").as_deref(), Some("postgres://new"));
        assert_eq!(text("NEW").map(|new| new.len()), Some(20));
        Ok(())
    }

    #[test]
    fn nothing_to_do_leaves_the_live_values() -> Result<(), getrandom::Error> {
        let live = parse(r#"{"A": "1", "PORT": 5432}"#).unwrap_or_default();
        let rules = rules(r#"{"A": {"generate": 16}, "PORT": 5432}"#);
        let merged = merge(&live, &rules, given(&[("PORT", "5432")]), &[])?;
        assert!(merged == live && live.len() == 2);
        Ok(())
    }

    #[test]
    fn what_is_written_reads_back() {
        let text = "a\"b\\c\nd\u{1}\u{7f}é€😀/";
        let mut all = values(&[("KEY \"1\"", text), ("EMPTY", "")]);
        all.insert("N".into(), json("[1,{\"a\":null}]".into()));
        let written = write(&all);
        assert!(parse(written.expose()) == Some(all));
        let plain: BTreeMap<String, serde_json::Value> =
            serde_json::from_str(written.expose()).unwrap_or_default();
        assert_eq!(plain.get("KEY \"1\""), Some(&serde_json::Value::from(text)));
        assert_eq!(write(&Values::new()).expose(), "{}");
    }

    #[test]
    fn only_an_object_is_a_secret_of_ours() {
        assert!(parse("hunter2").is_none());
        assert!(parse("[\"a\"]").is_none());
        assert!(parse("{\"a\": 1.5, \"b\": null, \"c\": true}").is_some_and(|all| all.len() == 3));
    }

    #[test]
    fn generated_values_have_their_length_and_alphabet() -> Result<(), getrandom::Error> {
        let one = generate(128, ALPHABET)?;
        assert_eq!(one.expose().len(), 128);
        assert!(one.expose().chars().all(|c| ALPHABET.contains(c)));
        assert!(one != generate(128, ALPHABET)?);
        // Every letter turns up among so many: the chance that one does not is below 1 in 10^40.
        let many = generate(6000, ALPHABET)?;
        assert!(ALPHABET.chars().all(|c| many.expose().contains(c)));
        assert_eq!(generate(3, "é")?.expose(), "ééé");
        Ok(())
    }

    #[test]
    fn no_value_is_ever_printed() {
        let all = values(&[("KEY", "hunter2hunter2")]);
        assert_eq!(format!("{all:?}"), r#"{"KEY": (secret)}"#);
    }
}
