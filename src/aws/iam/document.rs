//! Policy documents on the wire: JSON text on writing, percent-encoded (RFC 3986) JSON text on reading.

use percent_encoding::percent_decode_str;
use serde_json::Value as Json;

use crate::model::Value;

/// As a call takes it. A document may be given as a text that is JSON already.
pub fn text(document: &Json) -> String {
    match document {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// As read from AWS: decoded, then parsed.
pub fn read(encoded: &str) -> Value {
    plain(&percent_decode_str(encoded).decode_utf8_lossy())
}

/// As written to AWS: parsed. What is not JSON, or has fractions, stays text.
pub fn plain(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::text(text))
}

/// Whether the wish says word for word what is live. What only differs in spelling is written again, which changes nothing.
pub fn is_same(live: &Value, wanted: &Json) -> bool {
    plain(&text(wanted)) == *live
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_decoded_and_compared_as_json() {
        let wanted =
            serde_json::json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow"}]});
        let encoded = "%7B%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%7D%5D%2C%20%22Version%22%3A%222012-10-17%22%7D";
        assert!(is_same(&read(encoded), &wanted));
        assert!(is_same(&read(encoded), &Json::String(wanted.to_string())));
        assert!(!is_same(&read(encoded), &serde_json::json!({})));
        assert_eq!(read("not%20json"), Value::text("not json"));
    }
}
