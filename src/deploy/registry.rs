//! ECR's data plane: the registry's protocol, with ECR's token. Whatever address `GetAuthorizationToken` names is spoken to, so a local
//! registry can stand in for it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, TryFutureExt};
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::{OciDistributionError as Inner, Result as InnerResult};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference, RegistryOperation};
use tokio::sync::RwLock;

use super::error::DeployError;
use super::image::{ACCEPTED, is_digest};
use crate::aws::{self, Aws, aws_error};

const TOKEN: &str = "ecr:GetAuthorizationToken";
/// A layer is sent in parts of this size: ECR takes parts up to 20 MB, and wants 5 MB of all but the last (API reference, UploadLayerPart).
pub const PART: usize = 16 * 1024 * 1024;
const ATTEMPTS: u32 = 6;
/// A registry that says nothing for so long has gone away.
const SILENCE: Duration = Duration::from_secs(60);

/// One repository of the registry.
pub struct Registry {
    aws: Arc<Aws>,
    pub repository: String,
    /// `host:port`, as messages show it.
    pub host: String,
    client: RwLock<Client>,
}

/// What is to be done about an answer that is no success.
enum Remedy {
    Again,
    NewToken,
    GiveUp,
}

impl Registry {
    /// Asks ECR for a token and opens the repository.
    pub async fn open(aws: Arc<Aws>, repository: &str) -> Result<Self, DeployError> {
        let (client, host) = connect(&aws, repository).await?;
        Ok(Self {
            aws,
            repository: repository.to_owned(),
            host,
            client: RwLock::new(client),
        })
    }

    fn reference(&self, what: &str) -> Reference {
        let (host, name) = (self.host.clone(), self.repository.clone());
        if is_digest(what) {
            Reference::with_digest(host, name, what.to_owned())
        } else {
            Reference::with_tag(host, name, what.to_owned())
        }
    }

    /// A manifest or index by tag or digest, with its media type where it says one; `None`: there is no such image.
    pub async fn manifest(&self, what: &str) -> Result<Option<Bytes>, DeployError> {
        let reference = self.reference(what);
        let answer = self
            .repeat(|client| {
                let reference = reference.clone();
                async move {
                    let (raw, _) = client
                        .pull_manifest_raw(&reference, &RegistryAuth::Anonymous, ACCEPTED)
                        .await?;
                    Ok(raw)
                }
            })
            .await;
        match answer {
            Ok(raw) => Ok(Some(raw)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(self.explain(&format!("read {what}"), error)),
        }
    }

    /// A small blob, whole.
    pub async fn blob(&self, digest: &str) -> Result<Bytes, DeployError> {
        let reference = self.reference("latest");
        self.repeat(|client| {
            let reference = reference.clone();
            async move {
                let mut bytes = Vec::new();
                client.pull_blob(&reference, digest, &mut bytes).await?;
                Ok(Bytes::from(bytes))
            }
        })
        .await
        .map_err(|error| self.explain(&format!("read {digest}"), error))
    }

    pub async fn has_blob(&self, digest: &str) -> Result<bool, DeployError> {
        let reference = self.reference("latest");
        self.repeat(|client| {
            let reference = reference.clone();
            async move { client.blob_exists(&reference, digest).await }
        })
        .await
        .map_err(|error| self.explain(&format!("look for {digest}"), error))
    }

    /// Sends a blob; `again` makes its bytes anew for each attempt. After a cut connection the blob is looked for before it is sent once more:
    /// it may have arrived whole.
    pub async fn push_blob<S>(
        &self,
        digest: &str,
        again: impl Fn() -> S + Send + Sync,
    ) -> Result<(), DeployError>
    where
        S: Stream<Item = InnerResult<Bytes>> + Send + 'static,
    {
        let reference = self.reference("latest");
        let first = std::sync::atomic::AtomicBool::new(true);
        self.repeat(|client| {
            let reference = reference.clone();
            let bytes = again();
            let first = first.swap(false, std::sync::atomic::Ordering::SeqCst);
            async move {
                if !first && client.blob_exists(&reference, digest).await? {
                    return Ok(());
                }
                client
                    .push_blob_stream(&reference, bytes, digest, None)
                    .await
                    .map(|_| ())
            }
        })
        .await
        .map_err(|error| self.explain(&format!("send {digest}"), error))
    }

    /// Puts a manifest under a tag. The same again changes nothing.
    pub async fn put_manifest(
        &self,
        tag: &str,
        raw: &Bytes,
        media_type: &str,
    ) -> Result<(), DeployError> {
        let reference = self.reference(tag);
        let kind = media_type.parse::<reqwest::header::HeaderValue>();
        let kind = kind.map_err(|_| {
            DeployError::registry(
                format!("`{media_type}` is no media type"),
                "build the image again",
            )
        })?;
        self.repeat(|client| {
            let (reference, raw, kind) = (reference.clone(), raw.clone(), kind.clone());
            async move {
                client
                    .push_manifest_raw(&reference, raw, kind)
                    .await
                    .map(|_| ())
            }
        })
        .await
        .map_err(|error| self.explain(&format!("tag the image {tag}"), error))
    }

    /// Sends a request, again when its connection was cut or the registry is busy, with a new token when the old one has run out.
    async fn repeat<T, F>(&self, call: impl Fn(Client) -> F + Send + Sync) -> InnerResult<T>
    where
        F: Future<Output = InnerResult<T>> + Send,
    {
        let mut attempt = 0;
        loop {
            let client = self.client.read().await.clone();
            let error = match call(client).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            attempt += 1;
            let remedy = remedy(&error);
            if attempt >= ATTEMPTS || matches!(remedy, Remedy::GiveUp) {
                return Err(error);
            }
            if matches!(remedy, Remedy::NewToken) {
                match connect(&self.aws, &self.repository).await {
                    Ok((client, _)) => *self.client.write().await = client,
                    Err(_) => return Err(error),
                }
            } else {
                tokio::time::sleep(Duration::from_millis(100 << attempt.min(6))).await;
            }
        }
    }

    fn explain(&self, what: &str, error: Inner) -> DeployError {
        let place = format!("{}/{}", self.host, self.repository);
        let (said, hint) = match &error {
            Inner::ServerError { code, message, .. } => {
                (registry_words(*code, message), hint(*code, message))
            }
            Inner::RegistryError { envelope, .. } => {
                let words: Vec<&str> = envelope.errors.iter().map(|e| e.message.as_str()).collect();
                (words.join("; "), hint(0, &words.join(" ")))
            }
            Inner::UnauthorizedError { .. } | Inner::AuthenticationFailure(_) => (
                "it does not accept the token that ECR gave".into(),
                "the caller needs ecr:GetAuthorizationToken and the registry's actions: see `circles-infra permissions`",
            ),
            Inner::RequestError(inner) => (
                chain(inner),
                "the connection was cut again and again: look at the network; what has arrived is not sent again",
            ),
            other => (
                other.to_string(),
                "look at the image, then run the same command again",
            ),
        };
        DeployError::registry(format!("cannot {what} at {place}: {said}"), hint)
    }
}

/// A token for the registry, and a client that has it.
async fn connect(aws: &Aws, repository: &str) -> Result<(Client, String), DeployError> {
    let answer = aws
        .read(TOKEN, || {
            aws.ecr
                .get_authorization_token()
                .send()
                .map_err(|e| aws_error(TOKEN, e))
        })
        .await?;
    let data = answer.authorization_data().first();
    let (token, endpoint) = data
        .and_then(|data| Some((data.authorization_token()?, data.proxy_endpoint()?)))
        .ok_or_else(|| DeployError::registry("ECR gave no token", "run the same command again"))?;
    let (scheme, host) = endpoint.split_once("://").unwrap_or(("https", endpoint));
    let host = host.trim_end_matches('/').to_owned();
    let words = aws_smithy_types::base64::decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let (user, password) = words
        .as_deref()
        .and_then(|words| words.split_once(':'))
        .ok_or_else(|| {
            DeployError::registry("ECR's token cannot be read", "run the same command again")
        })?;
    let protocol = if scheme == "http" {
        ClientProtocol::Http
    } else {
        ClientProtocol::Https
    };
    let client = Client::new(ClientConfig {
        protocol,
        read_timeout: Some(SILENCE),
        connect_timeout: Some(Duration::from_secs(10)),
        platform_resolver: None,
        user_agent: aws::user_agent(),
        ..ClientConfig::default()
    });
    let auth = RegistryAuth::Basic(user.to_owned(), password.to_owned());
    let reference = Reference::with_tag(host.clone(), repository.to_owned(), "latest".into());
    for operation in [RegistryOperation::Push, RegistryOperation::Pull] {
        client
            .auth(&reference, &auth, operation)
            .await
            .map_err(|error| {
                let said = match &error {
                    Inner::RequestError(inner) => chain(inner),
                    other => other.to_string(),
                };
                DeployError::registry(
                    format!("the registry {endpoint} does not answer: {said}"),
                    "look at the network, then run the same command again",
                )
            })?;
    }
    Ok((client, host))
}

fn remedy(error: &Inner) -> Remedy {
    let by_code = |code: u16, message: &str| match code {
        401 => Remedy::NewToken,
        403 if message.contains("expired") || message.contains("Not Authorized") => {
            Remedy::NewToken
        }
        408 | 429 | 500..=599 => Remedy::Again,
        _ => Remedy::GiveUp,
    };
    match error {
        Inner::ServerError { code, message, .. } => by_code(*code, message),
        Inner::RequestError(inner) => match inner.status().map(|status| status.as_u16()) {
            // A HEAD has no words: a refusal may be a token that has run out.
            Some(401 | 403) => Remedy::NewToken,
            Some(code) => by_code(code, ""),
            None if inner.is_builder() => Remedy::GiveUp,
            None => Remedy::Again,
        },
        Inner::UnauthorizedError { .. } => Remedy::NewToken,
        Inner::RegistryError { envelope, .. } => {
            let said = |words: &str| envelope.errors.iter().any(|e| e.message.contains(words));
            if said("expired") || said("Not Authorized") {
                Remedy::NewToken
            } else if said("Rate exceeded") {
                Remedy::Again
            } else {
                Remedy::GiveUp
            }
        }
        Inner::IoError(_) => Remedy::GiveUp,
        _ => Remedy::GiveUp,
    }
}

fn is_missing(error: &Inner) -> bool {
    match error {
        Inner::ImageManifestNotFoundError(_) => true,
        Inner::ServerError { code, .. } => *code == 404,
        Inner::RegistryError { envelope, .. } => envelope.errors.iter().any(|error| {
            use oci_client::errors::OciErrorCode as Code;
            matches!(
                error.code,
                Code::ManifestUnknown | Code::NotFound | Code::NameUnknown
            )
        }),
        _ => false,
    }
}

/// What a registry says, without the JSON around it.
fn registry_words(code: u16, message: &str) -> String {
    let words = serde_json::from_str::<serde_json::Value>(message)
        .ok()
        .and_then(|json| Some(json["errors"][0]["message"].as_str()?.to_owned()));
    match words {
        Some(words) => words,
        None => format!("HTTP {code}"),
    }
}

fn hint(code: u16, message: &str) -> &'static str {
    if message.contains("DIGEST_INVALID") || message.contains("digest") {
        "the archive is damaged: make it again"
    } else if message.contains("immutable") {
        "the tag is taken by another image: run the same command again"
    } else if code == 403 || message.contains("not authorized") {
        "the caller lacks a permission of the registry: see `circles-infra permissions`"
    } else {
        "run the same command again: what has arrived is not sent again"
    }
}

/// An error with its causes, which say more than it does.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let words = error.to_string();
        if !text.contains(&words) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&words);
        }
        next = error.source();
    }
    text
}
