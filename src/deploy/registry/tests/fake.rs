//! A registry as ECR's data plane is: `PATCH` is answered with 201 and only the first one's body counts, a manifest has no `Location`,
//! tags are immutable, tokens expire. It answers STS and ECR's token call as well.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;

use crate::deploy::image::digest_of;

/// What happens to the next `PUT` of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobFault {
    /// It is not read any further.
    Stall,
    /// The token expires before it.
    Expire,
    /// It is stored, and answered as the specification does not say.
    StoreAndMisreport,
    /// It is stored, and the connection is cut before the answer.
    StoreAndCut,
    /// It is refused as a server's fault.
    Fail,
}

#[derive(Default)]
pub struct State {
    pub blobs: BTreeMap<String, Bytes>,
    pub tags: BTreeMap<String, Bytes>,
    uploads: BTreeMap<String, (Bytes, u32)>,
    pub faults: VecDeque<BlobFault>,
    /// `METHOD action`, as they came.
    pub requests: Vec<String>,
    /// Tokens given so far; only the last is valid.
    pub tokens: u32,
    /// The next manifest is stored, and its answer lost.
    pub lose_manifest_answer: bool,
}

#[derive(Clone)]
pub struct FakeRegistry {
    pub endpoint: String,
    pub state: Arc<Mutex<State>>,
}

/// ECR's words.
const EXPIRED: &str = "Your authorization token has expired. Reauthenticate and try again.";

type Answer = Response<Full<Bytes>>;

impl FakeRegistry {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let fake = Self {
            endpoint: format!("http://{address}"),
            state: Arc::default(),
        };
        let server = fake.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = server.clone();
                tokio::spawn(async move {
                    let service = service_fn(move |request| {
                        let server = server.clone();
                        async move { server.answer(request).await }
                    });
                    // A client that goes away is no failure of the registry.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        fake
    }

    pub fn count(&self, request: &str) -> usize {
        let state = self.state.lock().expect("the state");
        state.requests.iter().filter(|one| *one == request).count()
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Answer, std::io::Error> {
        let path = request.uri().path().to_owned();
        let query = request.uri().query().unwrap_or_default().to_owned();
        let method = request.method().clone();
        let header = |name: &str| {
            let value = request.headers().get(name);
            value
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
                .to_owned()
        };
        let (target, authorization) = (header("x-amz-target"), header("authorization"));
        if path == "/" {
            return Ok(self.control_plane(&target));
        }
        if path == "/v2/" {
            let answer = Response::builder().header("www-authenticate", "Basic realm=\"ecr\"");
            return Ok(answer.status(401).body(Full::default()).expect("an answer"));
        }
        let rest = path.trim_start_matches("/v2/app/");
        let (kind, name) = rest.rsplit_once('/').unwrap_or((rest, ""));
        let uploads = kind == "blobs/uploads";
        let fault = {
            let mut state = self.state.lock().expect("the state");
            state.requests.push(format!("{method} {kind}"));
            let fault = if uploads && method == Method::PUT {
                state.faults.pop_front()
            } else {
                None
            };
            if fault == Some(BlobFault::Expire) {
                state.tokens += 1;
            } else if authorization != token(state.tokens) {
                return Ok(refusal(StatusCode::FORBIDDEN, "DENIED", EXPIRED));
            }
            fault
        };
        if fault == Some(BlobFault::Stall) {
            let _request = request;
            return std::future::pending().await;
        }
        let body = request
            .into_body()
            .collect()
            .await
            .map_err(std::io::Error::other)?
            .to_bytes();
        if fault == Some(BlobFault::Expire) {
            return Ok(refusal(StatusCode::FORBIDDEN, "DENIED", EXPIRED));
        }
        if uploads {
            return self.upload(&method, name, &query, body, fault);
        }
        self.stored(&method, kind, name, body)
    }

    /// STS, and ECR's `GetAuthorizationToken`.
    fn control_plane(&self, target: &str) -> Answer {
        if !target.ends_with("GetAuthorizationToken") {
            let text = "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::000000000000:user/u</Arn><UserId>u</UserId><Account>000000000000</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";
            return Response::new(Full::from(text));
        }
        let mut state = self.state.lock().expect("the state");
        state.tokens += 1;
        let data = json!({"authorizationToken": token(state.tokens).trim_start_matches("Basic "),
                          "proxyEndpoint": self.endpoint});
        let text = json!({"authorizationData": [data]}).to_string();
        Response::new(Full::from(text))
    }

    fn upload(
        &self,
        method: &Method,
        name: &str,
        query: &str,
        body: Bytes,
        fault: Option<BlobFault>,
    ) -> Result<Answer, std::io::Error> {
        let mut state = self.state.lock().expect("the state");
        if *method == Method::POST {
            let number = state.uploads.len().to_string();
            state.uploads.insert(number.clone(), (Bytes::new(), 0));
            return Ok(accepted(202, &format!("/v2/app/blobs/uploads/{number}")));
        }
        if *method == Method::PATCH {
            let upload = state.uploads.entry(name.to_owned()).or_default();
            if upload.1 == 0 {
                upload.0 = body;
            }
            upload.1 += 1;
            return Ok(accepted(201, &format!("/v2/app/blobs/uploads/{name}")));
        }
        if fault == Some(BlobFault::Fail) {
            return Ok(refusal(StatusCode::BAD_GATEWAY, "UNKNOWN", "try again"));
        }
        let digest = query.trim_start_matches("digest=").replace("%3A", ":");
        let begun = state.uploads.get(name).map(|upload| upload.0.clone());
        let all = if body.is_empty() {
            begun.unwrap_or_default()
        } else {
            body
        };
        if digest_of(&all) != digest {
            return Ok(refusal(
                StatusCode::BAD_REQUEST,
                "DIGEST_INVALID",
                "not the digest",
            ));
        }
        state.blobs.insert(digest.clone(), all);
        match fault {
            Some(BlobFault::StoreAndCut) => Err(std::io::ErrorKind::ConnectionReset.into()),
            Some(BlobFault::StoreAndMisreport) => Ok(accepted(200, "")),
            _ => Ok(accepted(201, &format!("/v2/app/blobs/{digest}"))),
        }
    }

    /// Blobs and manifests.
    fn stored(
        &self,
        method: &Method,
        kind: &str,
        name: &str,
        body: Bytes,
    ) -> Result<Answer, std::io::Error> {
        let mut state = self.state.lock().expect("the state");
        if kind == "manifests" && *method == Method::PUT {
            if state.tags.contains_key(name) {
                let text = format!(
                    "Image with tag '{name}' already exists in the repository and cannot be overwritten because the repository is immutable."
                );
                return Ok(refusal(StatusCode::BAD_REQUEST, "TAG_INVALID", &text));
            }
            state.tags.insert(name.to_owned(), body);
            if std::mem::take(&mut state.lose_manifest_answer) {
                return Err(std::io::ErrorKind::ConnectionReset.into());
            }
            return Ok(accepted(201, ""));
        }
        let all = if kind == "manifests" {
            &state.tags
        } else {
            &state.blobs
        };
        Ok(match all.get(name) {
            Some(found) => Response::new(Full::from(found.clone())),
            None if kind == "manifests" => {
                refusal(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", "none")
            }
            None => refusal(StatusCode::NOT_FOUND, "BLOB_UNKNOWN", "none"),
        })
    }
}

fn token(number: u32) -> String {
    let text = aws_smithy_types::base64::encode(format!("AWS:token-{number}"));
    format!("Basic {text}")
}

fn accepted(status: u16, location: &str) -> Answer {
    let answer = Response::builder().status(status);
    let answer = match location {
        "" => answer,
        location => answer.header("location", location),
    };
    answer.body(Full::default()).expect("an answer")
}

fn refusal(status: StatusCode, code: &str, message: &str) -> Answer {
    let text = json!({"errors": [{"code": code, "message": message}]}).to_string();
    let answer = Response::builder().status(status);
    answer.body(Full::from(text)).expect("an answer")
}
