//! Every row again, the ways it must not be called: a bad token, a wrong path, an unknown row, a body or a page that is none.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Who::Anyone;
use super::{Row, Send, Stage, all_rows};
use crate::harness::Client;
use crate::harness::client::Answer;

/// No row has this number.
const UNKNOWN: &str = "987654321";
/// What is answered instead of 404: the body names the message too, and nobody is followed any more either way.
const OTHERWISE: [(&str, u16); 2] = [
    ("PUT /dms/messages/{message_id}/delivery-status", 400),
    ("DELETE /follow/{user_id}", 200),
];

/// The answers to one row that are not as they should be.
struct Wrong {
    row: String,
    told: Vec<String>,
}

impl Wrong {
    fn unless(&mut self, good: bool, what: &str, answer: &Answer) {
        if !good {
            let (row, status, text) = (&self.row, answer.status, &answer.text);
            self.told.push(format!("{row} {what}: {status} {text}"));
        }
    }
}

impl Stage {
    fn caller(&self, row: &Row) -> Client {
        match row.who {
            Anyone => self.world.nobody(),
            super::User => self.walker.clone(),
            super::Admin => self.admin.clone(),
        }
    }

    /// The path with its first number replaced, `None` without one.
    async fn with_number(&self, row: &Row, number: &str) -> Option<String> {
        let start = row.path.match_indices('{').find(|(at, _)| {
            let name = row.path[at + 1..].split('}').next().unwrap_or_default();
            name.ends_with("_id")
        })?;
        let end = start.0 + row.path[start.0..].find('}')?;
        let path = format!("{}{number}{}", &row.path[..start.0], &row.path[end + 1..]);
        Some(self.filled(&path).await)
    }

    async fn send(&self, caller: &Client, row: &Row, path: &str) -> Answer {
        match &row.send {
            Send::Nothing => caller.call(row.method, path, None).await,
            Send::Body(body) => caller.call(row.method, path, Some(body.clone())).await,
            Send::File(field, bytes) => caller.upload(path, field, bytes(), &[]).await,
        }
    }

    async fn refuse(&self, row: &Row, pages: &BTreeSet<String>) -> Vec<String> {
        let mut wrong = Wrong {
            row: row_name(row),
            told: Vec::new(),
        };
        self.refuse_strangers(row, &mut wrong).await;
        self.refuse_paths(row, &mut wrong).await;
        self.refuse_inputs(row, pages, &mut wrong).await;
        wrong.told
    }

    async fn refuse_strangers(&self, row: &Row, wrong: &mut Wrong) {
        if row.who != Anyone {
            let mut stranger = self.world.nobody();
            stranger.token = Some("not.a.token".to_owned());
            let path = self.filled(row.path).await;
            let answer = self.send(&stranger, row, &path).await;
            let asks = answer.headers.get("www-authenticate");
            let good = answer.status == 401 && asks.is_some_and(|v| v == "Bearer");
            wrong.unless(good, "with a bad token", &answer);
        }
    }

    async fn refuse_paths(&self, row: &Row, wrong: &mut Wrong) {
        let caller = self.caller(row);
        if let Some(path) = self.with_number(row, "seven").await {
            let answer = self.send(&caller, row, &path).await;
            let good = answer.status == 422 && answer.body["detail"][0]["loc"][0] == "path";
            wrong.unless(good, "with a word for a number", &answer);
        }
        if let Some(path) = self.with_number(row, UNKNOWN).await {
            let answer = self.send(&caller, row, &path).await;
            let told = answer.body["detail"].as_str().unwrap_or_default();
            let otherwise = OTHERWISE.iter().find(|(row, _)| *row == wrong.row);
            let good = match otherwise {
                Some((_, status)) => answer.status == *status,
                None => answer.status == 404 && told.contains("not found"),
            };
            wrong.unless(good, "of an unknown row", &answer);
        }
    }

    async fn refuse_inputs(&self, row: &Row, pages: &BTreeSet<String>, wrong: &mut Wrong) {
        let caller = self.caller(row);
        // The legacy routes look at nothing.
        if matches!(row.send, Send::Body(_)) && !row.path.starts_with("/auth/") {
            let path = self.filled(row.path).await;
            for body in [json!(7), json!([])] {
                let answer = caller.call(row.method, &path, Some(body)).await;
                let good =
                    answer.status == 422 && answer.body["detail"][0]["loc"] == json!(["body"]);
                wrong.unless(good, "with a body that is no object", &answer);
            }
        }
        if pages.contains(&wrong.row) {
            let path = self.filled(row.path).await;
            let join = if path.contains('?') { '&' } else { '?' };
            for query in ["limit=0", "limit=x", "limit=100000", "offset=-1"] {
                let answer = caller
                    .call(row.method, &format!("{path}{join}{query}"), None)
                    .await;
                let field = query.split('=').next().unwrap_or_default();
                let named = |issue: &Value| issue["loc"] == json!(["query", field]);
                let told = answer.body["detail"].as_array();
                let good = answer.status == 422 && told.is_some_and(|all| all.iter().any(named));
                wrong.unless(good, query, &answer);
            }
        }
    }
}

pub(super) fn row_name(row: &Row) -> String {
    format!(
        "{} {}",
        row.method,
        row.path.split('?').next().unwrap_or_default()
    )
}

/// The operations that declare both `limit` and `offset`.
fn paged() -> BTreeSet<String> {
    let document = serde_json::to_value(circles_app::router::document()).expect("a document");
    let paths = document["paths"].as_object().expect("paths");
    let mut found = BTreeSet::new();
    for (path, item) in paths {
        let parameters = item["get"]["parameters"].as_array();
        let has = |name: &str| {
            parameters
                .is_some_and(|all| all.iter().any(|p| p["name"] == name && p["in"] == "query"))
        };
        if has("limit") && has("offset") {
            found.insert(format!("GET {path}"));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_refuses_as_it_should() {
    let stage = Stage::set().await;
    let pages = paged();
    assert!(pages.len() > 25, "{}", pages.len());
    let mut wrong = Vec::new();
    for row in all_rows() {
        wrong.extend(stage.refuse(&row, &pages).await);
        // What it makes, later rows speak of.
        stage.walk(&row).await;
    }
    assert_eq!(wrong, Vec::<String>::new());
}
