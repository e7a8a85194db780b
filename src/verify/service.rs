//! The service under its URL: requests with their answers, as a client sees them. What is sent and signed with is never repeated in a
//! verdict.

use std::time::{Duration, Instant};

use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::multipart::{Form, Part};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, StatusCode, Url};
use serde_json::Value as Json;

use super::VerifyError;
use super::report::{Problem, failed};

/// More than any answer that is asked for here.
const LONGEST: usize = 4 << 20;

pub struct Service {
    base: Url,
    text: String,
    client: Client,
    pub patience: Duration,
}

/// Somebody who is signed in.
pub struct Person {
    pub id: i64,
    pub token: String,
}

/// An answer to its end.
pub struct Answer {
    pub asked: String,
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub took: Duration,
}

impl Service {
    pub fn new(url: &str, patience: Duration) -> Result<Self, VerifyError> {
        let wrong = || VerifyError::Url(url.to_owned());
        let base = Url::parse(url).map_err(|_| wrong())?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(wrong());
        }
        let mut client = Client::builder()
            .timeout(patience)
            .connect_timeout(patience.min(Duration::from_secs(5)))
            // A redirect is an answer of the service (or of its balancer), and followed as far as a browser would.
            .redirect(Policy::limited(5))
            .user_agent(crate::aws::user_agent());
        if base.host_str().is_some_and(is_here) {
            client = client.no_proxy();
        }
        Ok(Self {
            text: base.as_str().trim_end_matches('/').to_owned(),
            base,
            client: client
                .build()
                .map_err(|e| VerifyError::Client(e.to_string()))?,
            patience,
        })
    }

    pub fn base(&self) -> &str {
        &self.text
    }

    /// The same host over WebSockets.
    pub fn socket(&self, path: &str) -> String {
        let scheme = if self.base.scheme() == "https" {
            "wss"
        } else {
            "ws"
        };
        let rest = self.text.split_once("://").map_or("", |(_, rest)| rest);
        format!("{scheme}://{rest}{path}")
    }

    pub async fn get(&self, path: &str, token: Option<&str>) -> Result<Answer, Problem> {
        self.send(Method::GET, path, token, Body::Nothing).await
    }

    pub async fn post(
        &self,
        path: &str,
        token: Option<&str>,
        body: Json,
    ) -> Result<Answer, Problem> {
        self.send(Method::POST, path, token, Body::Json(body)).await
    }

    pub async fn delete(&self, path: &str, token: Option<&str>) -> Result<Answer, Problem> {
        self.send(Method::DELETE, path, token, Body::Nothing).await
    }

    /// A file in the form field `file`.
    pub async fn upload(
        &self,
        path: &str,
        token: Option<&str>,
        file: Vec<u8>,
    ) -> Result<Answer, Problem> {
        self.send(Method::POST, path, token, Body::File(file)).await
    }

    /// An address that the service gave: its own, or a bucket's.
    pub async fn fetch(&self, url: &str) -> Result<Vec<u8>, Problem> {
        let asked = "the photo's address";
        let answer = self.client.get(url).send().await;
        let answer = answer.map_err(|e| failed(format!("{asked}: {}", why(&e))))?;
        if !answer.status().is_success() {
            return Err(failed(format!("{asked} answers {}", answer.status())));
        }
        let bytes = answer.bytes().await;
        bytes
            .map(|bytes| bytes.to_vec())
            .map_err(|e| failed(format!("{asked}: {}", why(&e))))
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Body,
    ) -> Result<Answer, Problem> {
        let asked = format!("{method} {}", path.split('?').next().unwrap_or(path));
        let mut request = self.client.request(method, format!("{}{path}", self.text));
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
                .map_err(|_| failed("the service gave a token that is none"))?;
            value.set_sensitive(true);
            request = request.header("authorization", value);
        }
        request = match body {
            Body::Nothing => request,
            Body::Json(json) => request.json(&json),
            Body::File(bytes) => {
                let part = Part::bytes(bytes).file_name("verify.png");
                let part = part
                    .mime_str("image/png")
                    .map_err(|e| failed(e.to_string()))?;
                request.multipart(Form::new().part("file", part))
            }
        };
        let since = Instant::now();
        let unanswered = |e: reqwest::Error| failed(format!("{asked}: {}", why(&e)));
        let mut answer = request.send().await.map_err(unanswered)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unanswered)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > LONGEST {
                return Err(failed(format!("{asked} does not stop answering")));
            }
        }
        Ok(Answer {
            asked,
            status,
            headers,
            body: bytes,
            took: since.elapsed(),
        })
    }
}

enum Body {
    Nothing,
    Json(Json),
    File(Vec<u8>),
}

/// Proxies of the environment are for the world outside.
fn is_here(host: &str) -> bool {
    host == "localhost" || host == "[::1]" || host.starts_with("127.")
}

/// A transport error by its innermost cause, without the URL, which may hold a token.
fn why(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".into();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    if std::ptr::addr_eq(cause, error) {
        return "it cannot be asked".into();
    }
    cause.to_string()
}

impl Answer {
    /// Passes with this status only.
    pub fn wants(self, status: u16) -> Result<Self, Problem> {
        if self.status.as_u16() == status {
            return Ok(self);
        }
        let detail = self.detail();
        Err(failed(format!(
            "{} answers {} instead of {status}{detail}",
            self.asked,
            self.status.as_u16()
        )))
    }

    /// What the service says is wrong, cut short.
    fn detail(&self) -> String {
        let json: Json = serde_json::from_slice(&self.body).unwrap_or_default();
        match json["detail"].as_str() {
            Some(text) => format!(": {}", text.chars().take(120).collect::<String>()),
            None => String::new(),
        }
    }

    pub fn json(&self) -> Result<Json, Problem> {
        serde_json::from_slice(&self.body)
            .map_err(|_| failed(format!("{} does not answer with JSON", self.asked)))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_a_scheme_and_a_host() {
        let new = |url: &str| Service::new(url, Duration::from_secs(1));
        for url in ["", "circles.example", "ftp://x", "http://"] {
            assert!(new(url).is_err(), "{url}");
        }
        let service = new("https://circles.example/").ok();
        let socket = service.map(|service| service.socket("/ws/user/1"));
        assert_eq!(socket.as_deref(), Some("wss://circles.example/ws/user/1"));
    }
}
