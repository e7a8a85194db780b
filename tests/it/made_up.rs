//! A small HTTP server in the service's place, for tests of what asks it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value as Json, json};

/// What a made-up service answers: by `METHOD /path`, a status and a body; 404 otherwise.
type Answers = Arc<Mutex<BTreeMap<String, (u16, Json)>>>;

/// A made-up service. It ends with the test.
pub struct MadeUp {
    pub url: String,
    answers: Answers,
}

impl MadeUp {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let answers: Answers = Arc::default();
        let theirs = answers.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let answers = theirs.clone();
                std::thread::spawn(move || serve(stream, &answers));
            }
        });
        Self { url, answers }
    }

    pub fn answer(&self, asked: &str, status: u16, body: Json) {
        let mut answers = self.answers.lock().expect("the answers");
        answers.insert(asked.to_owned(), (status, body));
    }
}

impl MadeUp {
    /// One that does all that is asked of everybody, as the service in production.
    pub fn whole() -> Self {
        let made_up = Self::new();
        let health = json!({"status": "ok", "app": "Circles", "debug": false});
        made_up.answer("GET /health", 200, health);
        let ready = json!({"ready": true, "database": true, "migrations": true, "storage": true, "listener": true});
        made_up.answer("GET /readyz", 200, ready);
        made_up.answer("GET /docs", 200, json!("<html></html>"));
        let mut paths: BTreeMap<&str, BTreeMap<&str, Json>> = BTreeMap::new();
        let operations = include_str!("../../src/verify/operations.txt");
        for (method, path) in operations.lines().filter_map(|line| line.split_once(' ')) {
            let path = paths.entry(path).or_default();
            path.insert(method, json!({}));
        }
        let document = json!({"openapi": "3.1.0", "paths": paths});
        made_up.answer("GET /openapi.json", 200, document);
        for who in ["", " token"] {
            made_up.answer(&format!("GET /metrics{who}"), 403, json!({"detail": "no"}));
        }
        for path in [
            "/places/search",
            "/places/search/suggestions",
            "/places/search/filter-options",
            "/places/trending",
            "/places/trending/global",
            "/places/nearby",
            "/places/lookups/countries",
            "/lookups/cities",
            "/places/external/suggestions",
            "/places/external/test",
        ] {
            let body = json!({"items": [], "foursquare_configured": false});
            made_up.answer(&format!("GET {path}"), 200, body);
        }
        for path in [
            "/auth/me",
            "/users/me/interests",
            "/follow/followers",
            "/collections/",
            "/dms/inbox",
            "/activity/feed",
            "/settings/privacy",
        ] {
            made_up.answer(&format!("GET {path}"), 403, json!({"detail": "no"}));
            made_up.answer(&format!("GET {path} token"), 401, json!({"detail": "no"}));
        }
        made_up.answer(
            "POST /onboarding/check-username",
            200,
            json!({"available": true}),
        );
        made_up.answer("POST /onboarding/request-otp", 422, json!({"detail": [{}]}));
        made_up
    }
}

/// One request a connection.
fn serve(mut stream: TcpStream, answers: &Answers) {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    let mut line = String::new();
    let _ = reader.read_line(&mut line);
    let asked: Vec<&str> = line.split(' ').take(2).collect();
    let asked = asked.join(" ");
    let asked = asked.split('?').next().unwrap_or_default().to_owned();
    let (mut length, mut token) = (0, false);
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header).unwrap_or(0) <= 2 {
            break;
        }
        let header = header.to_ascii_lowercase();
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        token |= header.starts_with("authorization:");
    }
    let mut body = vec![0; length];
    let _ = reader.read_exact(&mut body);
    let key = if token {
        format!("{asked} token")
    } else {
        asked
    };
    let known = answers.lock().expect("the answers").get(&key).cloned();
    let (status, body) = known.unwrap_or((404, json!({"detail": "not found"})));
    let body = body.to_string();
    let _ = write!(
        stream,
        "HTTP/1.1 {status} X\r\nx-request-id: 1\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
}
