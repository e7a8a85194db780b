//! A caller, with or without a token.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};

use reqwest::header::HeaderMap;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::socket::Socket;

#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    pub address: SocketAddr,
    pub token: Option<String>,
    pub id: i64,
    pub phone: String,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
    pub text: String,
}

impl Answer {
    /// Checks the status and hands over the body.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.body
    }

    /// The `loc` of the first input error of a 422.
    #[track_caller]
    pub fn expect_invalid(self) -> Vec<String> {
        assert_eq!(self.status, 422, "{}", self.text);
        let issue = &self.body["detail"][0];
        for key in ["type", "loc", "msg", "input"] {
            assert!(issue.get(key).is_some(), "{key} is missing: {}", self.text);
        }
        let loc = issue["loc"].as_array().expect("loc is a list");
        loc.iter()
            .map(|l| l.as_str().map_or_else(|| l.to_string(), str::to_owned))
            .collect()
    }
}

/// A picture by its signature and header; its checksum is wrong, which must not matter.
pub fn png() -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0".to_vec();
    bytes.extend([0; 64]);
    bytes
}

impl Client {
    pub fn new(address: SocketAddr) -> Client {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build();
        Client {
            http: http.expect("a client"),
            address,
            token: None,
            id: 0,
            phone: String::new(),
        }
    }

    /// The same person, calling another task.
    pub fn at(&self, address: SocketAddr) -> Client {
        Client {
            address,
            ..self.clone()
        }
    }

    pub async fn sign_up(mut self, name: &str) -> Client {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        // The service was just started: its first answer may take a moment.
        for _ in 0..200 {
            if self.http.get(self.url("/health")).send().await.is_ok() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        self.phone = format!("+96650{number:07}");
        let sent = self
            .post("/onboarding/request-otp", json!({ "phone": self.phone }))
            .await
            .expect(200);
        let body = json!({ "phone": self.phone, "otp_code": sent["otp"] });
        let verified = self.post("/onboarding/verify-otp", body).await.expect(200);
        self.token = Some(
            verified["access_token"]
                .as_str()
                .expect("a token")
                .to_owned(),
        );
        self.id = verified["user"]["id"].as_i64().expect("an id");
        let username = format!("{}_{number}", name.to_lowercase());
        let setup = json!({ "first_name": name, "last_name": "Tester", "username": username });
        self.post("/onboarding/complete-setup", setup)
            .await
            .expect(200);
        self
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, self.url(path));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.expect("a body");
        Answer {
            status,
            headers,
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
        }
    }

    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let request = self.request(method.parse().expect("a method"), path);
        self.send(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None).await
    }

    /// `/readyz` once it answers with this status: an answer is good for a second.
    pub async fn becomes_ready(&self, status: u16) -> Value {
        for _ in 0..100 {
            let answer = self.get("/readyz").await;
            if answer.status == status {
                return answer.body;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("/readyz never answers {status}");
    }

    pub async fn get_with(&self, path: &str, header: &str, value: &str) -> Answer {
        self.send(self.request(Method::GET, path).header(header, value))
            .await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path, Some(body)).await
    }

    pub async fn post_with(&self, path: &str, header: &str, value: &str, body: Value) -> Answer {
        let request = self.request(Method::POST, path).header(header, value);
        self.send(request.json(&body)).await
    }

    /// `None` when no answer came: the task is gone, or went while it was asked.
    pub async fn try_post(&self, path: &str, body: Value) -> Option<Answer> {
        let request = self.request(Method::POST, path).json(&body);
        let response = request.send().await.ok()?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.ok()?;
        Some(Answer {
            status,
            headers,
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
        })
    }

    /// Posts a plain form, as clients do when there is no file to send.
    pub async fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body: String = fields.iter().map(|(k, v)| format!("{k}={v}&")).collect();
        let request = self.request(Method::POST, path);
        let kind = "application/x-www-form-urlencoded";
        self.send(request.header("content-type", kind).body(body))
            .await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.call("PUT", path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, None).await
    }

    /// Posts one file under `field`, with text fields beside it.
    pub async fn upload(
        &self,
        path: &str,
        field: &'static str,
        bytes: Vec<u8>,
        texts: &[(&'static str, String)],
    ) -> Answer {
        let mut form = Form::new().part(field, Part::bytes(bytes).file_name("../../evil name.exe"));
        for (name, value) in texts {
            form = form.text(*name, value.clone());
        }
        self.upload_form(path, form).await
    }

    pub async fn upload_form(&self, path: &str, form: Form) -> Answer {
        self.send(self.request(Method::POST, path).multipart(form))
            .await
    }

    pub async fn raw_post(&self, path: &str, body: &'static str) -> Answer {
        self.send(
            self.request(Method::POST, path)
                .header("content-type", "application/json")
                .body(body),
        )
        .await
    }

    /// Opens a socket with this person's token in the query.
    pub async fn socket(&self, path: &str) -> Socket {
        let token = self.token.as_deref().unwrap_or("none");
        Socket::open(&format!("ws://{}{path}?token={token}", self.address)).await
    }

    /// Checks in where the places of the tests are.
    pub async fn check_in(&self, place: i64, visibility: &str) -> Value {
        let body = json!({ "place_id": place, "latitude": 24.7136, "longitude": 46.6753, "visibility": visibility, "note": "here" });
        self.post("/places/check-ins", body).await.expect(200)
    }

    pub async fn follow(&self, other: &Client) {
        self.post(&format!("/follow/{}", other.id), Value::Null)
            .await
            .expect(200);
    }

    pub async fn block(&self, other: &Client) {
        self.put(
            &format!("/dms/threads/{}/block", other.id),
            json!({ "blocked": true }),
        )
        .await
        .expect(200);
    }

    /// An accepted thread with another person.
    pub async fn thread_with(&self, other: &Client) -> i64 {
        let thread = self
            .post("/dms/open", json!({ "other_user_id": other.id }))
            .await
            .expect(200);
        thread["id"].as_i64().expect("a thread")
    }
}
