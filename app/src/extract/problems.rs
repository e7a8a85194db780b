//! Every problem of an input, not only the first.
//!
//! serde stops at the first one. So the value at fault gives way to a stand-in that passes, and the input is read again, until it
//! passes as a whole or no stand-in helps. What is wrong is thus decided in one place, the types; only refused requests pay for it.

use std::collections::VecDeque;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

mod input;
mod issue;

pub use input::{Body, Pairs};
use issue::issue;

use crate::error::Issue;

/// More problems than this are not told: the caller has enough to begin with.
const MOST: usize = 24;
/// A longer input is read once only, so that a refusal costs no more than a success.
const LONGEST: usize = 16 * 1024;
/// Tried in turn in the place of a wrong value, before leaving it out. One of them suits every bounded type of `bounds`.
const STAND_INS: [&str; 11] = [
    "null",
    "1",
    "0",
    "0.5",
    "\"a\"",
    "\"aaaaaa\"",
    "false",
    "[]",
    "{}",
    "\"2000-01-01T00:00:00Z\"",
    "\"00000000-0000-4000-8000-000000000000\"",
];

/// Where reading failed, and serde's words for it.
pub struct Failure {
    path: Vec<Value>,
    message: String,
}

/// A part of a request that can be read, mended and read again.
pub trait Input: Clone {
    /// What `loc` starts with.
    const PLACE: &'static str;
    /// # Errors
    /// The first problem.
    fn read<T: DeserializeOwned>(&self) -> Result<T, Failure>;
    /// The value a problem is told with.
    fn at(&self, path: &[Value]) -> Value;
    /// Puts `value` there, or leaves it out. False when that changes nothing.
    fn put(&mut self, path: &[Value], value: Option<Value>) -> bool;
    fn length(&self) -> usize;
}

/// Reads `input`.
///
/// # Errors
/// Every problem found, in the order serde meets them.
pub fn read<I: Input, T: DeserializeOwned>(input: &I) -> Result<T, Vec<Issue>> {
    let mut failure = match input.read() {
        Ok(value) => return Ok(value),
        Err(failure) => failure,
    };
    let mut mended = input.clone();
    let mut issues: Vec<Issue> = Vec::new();
    loop {
        let issue = issue(I::PLACE, &failure, input.at(&failure.path));
        let path = issue.loc[1..].to_vec();
        // A value that was left out for being wrong is missing later on.
        if issues.iter().all(|told| told.loc != issue.loc) {
            issues.push(issue);
        }
        if path.is_empty() || issues.len() == MOST || input.length() > LONGEST {
            return Err(issues);
        }
        match next::<I, T>(&mut mended, &path, &failure.message) {
            Some(further) => failure = further,
            None => return Err(issues),
        }
    }
}

/// Mends `path` and returns the next problem elsewhere, if any.
fn next<I: Input, T: DeserializeOwned>(
    input: &mut I,
    path: &[Value],
    message: &str,
) -> Option<Failure> {
    let stand_ins = STAND_INS
        .iter()
        .filter_map(|text| serde_json::from_str(text).ok());
    let mut waiting: VecDeque<Option<Value>> = stand_ins.map(Some).chain([None]).collect();
    prefer_variants(&mut waiting, message);
    let mut tries = 0;
    while let Some(stand_in) = waiting.pop_front() {
        tries += 1;
        if tries > MOST || !input.put(path, stand_in) {
            continue;
        }
        match input.read::<T>() {
            Ok(_) => return None,
            Err(failure) if !told_at(&failure).starts_with(path) => return Some(failure),
            Err(failure) => prefer_variants(&mut waiting, &failure.message),
        }
    }
    None
}

/// serde names the variants that it would have taken: "unknown variant `x`, expected one of `a`, `b`".
fn prefer_variants(waiting: &mut VecDeque<Option<Value>>, message: &str) {
    if message.starts_with("unknown variant") {
        let variant = message.split('`').nth(3);
        waiting.extend(variant.map(|v| Some(json!(v))));
        waiting.rotate_right(usize::from(variant.is_some()));
    }
}

fn told_at(failure: &Failure) -> Vec<Value> {
    issue("", failure, Value::Null).loc[1..].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bounds::{Bool, Int, Lat, Text};
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Level {
        Open,
        Closed,
    }

    #[allow(dead_code)]
    #[derive(Debug, Deserialize)]
    struct Inner {
        code: Text<6, 6>,
    }

    #[allow(dead_code)]
    #[derive(Debug, Deserialize)]
    struct Form {
        name: Text<3, 30>,
        level: Level,
        lat: Lat,
        since: Option<chrono::DateTime<chrono::Utc>>,
        tags: Vec<Text<1, 5>>,
        inner: Inner,
        #[serde(default)]
        loud: Bool,
    }

    fn told<I: Input, T: DeserializeOwned>(input: &I) -> Vec<String> {
        let issues = read::<I, T>(input).err().unwrap_or_default();
        let line = |i: &Issue| format!("{} {}", json!(i.loc), i.kind);
        issues.iter().map(line).collect()
    }

    fn body(value: Value) -> Body {
        let length = value.to_string().len();
        Body { value, length }
    }

    #[test]
    fn every_problem_of_a_body_is_told_once_with_its_place() {
        let wrong = body(json!({
            "name": "ab", "level": "ajar", "lat": 91, "since": "yesterday", "tags": ["ok", "", 7], "loud": "perhaps", "inner": {"code": "12345"},
        }));
        let mut found = told::<_, Form>(&wrong);
        found.sort();
        assert_eq!(
            found,
            [
                r#"["body","inner","code"] string_too_short"#,
                r#"["body","lat"] less_than_equal"#,
                r#"["body","level"] enum"#,
                r#"["body","loud"] bool_parsing"#,
                r#"["body","name"] string_too_short"#,
                r#"["body","since"] value_error"#,
                r#"["body","tags",1] string_too_short"#,
                r#"["body","tags",2] string_type"#,
            ]
        );
    }

    #[test]
    fn every_missing_field_is_told_and_the_value_of_what_was_sent() {
        let found = told::<_, Form>(&body(json!({ "inner": {} })));
        for field in [
            r#""name""#,
            r#""level""#,
            r#""lat""#,
            r#""tags""#,
            r#""inner","code""#,
        ] {
            let line = format!(r#"["body",{field}] missing"#);
            assert!(found.contains(&line), "{line} in {found:?}");
        }
        assert_eq!(found.len(), 5);
    }

    #[test]
    fn a_body_that_is_no_object_and_a_long_one_end_at_once() {
        let list = json!(["sara", "open", 1, null, [], {"code": "123456"}, true]);
        for value in [json!(7), json!(null), list] {
            assert_eq!(
                told::<_, Form>(&body(value)),
                [r#"["body"] model_attributes_type"#]
            );
        }
        let long = body(json!({ "name": "x".repeat(LONGEST), "lat": 91 }));
        assert_eq!(told::<_, Form>(&long).len(), 1);
    }

    #[allow(dead_code)]
    #[derive(Debug, Deserialize)]
    struct Near {
        lat: Lat,
        lng: Lat,
        limit: Option<Int<1, 100>>,
        q: Option<Text<2, 10>>,
    }

    #[test]
    fn every_problem_of_a_query_is_told() {
        let mut found = told::<_, Near>(&Pairs::of("lat=north&limit=0&q=%00"));
        found.sort();
        let expected = [
            r#"["query","lat"] float_parsing"#,
            r#"["query","limit"] greater_than_equal"#,
            r#"["query","lng"] missing"#,
            r#"["query","q"] value_error"#,
        ];
        assert_eq!(found, expected);
    }
}
