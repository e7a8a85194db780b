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
use super::image::{ACCEPTED, digest_of, is_digest};
use crate::aws::{self, Aws, aws_error};

mod failure;
mod upload;

use failure::{Remedy, chain, explanation, is_missing, remedy};
pub use upload::UploadProgress;
use upload::{UploadLimits, while_progressing};

const TOKEN: &str = "ecr:GetAuthorizationToken";
const ATTEMPTS: u32 = 6;
/// A registry that has not answered a request without a large body for this long has gone away.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// One repository of the registry.
pub struct Registry {
    aws: Arc<Aws>,
    pub repository: String,
    /// `host:port`, as messages show it.
    pub host: String,
    client: RwLock<Client>,
    limits: UploadLimits,
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
            limits: UploadLimits::DEFAULT,
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
                    let pull =
                        client.pull_manifest_raw(&reference, &RegistryAuth::Anonymous, ACCEPTED);
                    Ok(in_time(pull).await?.0)
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
                in_time(client.pull_blob(&reference, digest, &mut bytes)).await?;
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
            async move { in_time(client.blob_exists(&reference, digest)).await }
        })
        .await
        .map_err(|error| self.explain(&format!("look for {digest}"), error))
    }

    /// Sends a blob of `size` bytes in one request: `POST`, then `PUT` with the whole body. ECR takes no other form: it answers a `PATCH`
    /// with 201 and drops the body of every later one (aws/containers-roadmap#2831). `body` makes the bytes anew for each attempt and
    /// writes how far it has come. Before another attempt the blob is looked for: it may have arrived whole.
    pub async fn push_blob<S>(
        &self,
        digest: &str,
        size: u64,
        body: impl Fn(UploadProgress) -> S + Send + Sync,
    ) -> Result<(), DeployError>
    where
        S: Stream<Item = InnerResult<Bytes>> + Send + 'static,
    {
        let reference = self.reference("latest");
        let first = std::sync::atomic::AtomicBool::new(true);
        let sent = self
            .repeat(|client| {
                let reference = reference.clone();
                let progress = UploadProgress::new();
                let bytes = body(progress.clone());
                let first = first.swap(false, std::sync::atomic::Ordering::SeqCst);
                async move {
                    if !first && in_time(client.blob_exists(&reference, digest)).await? {
                        return Ok(());
                    }
                    let upload = client.push_blob_stream(&reference, bytes, digest, Some(size));
                    while_progressing(upload, &progress, size, &self.limits)
                        .await
                        .map(|_| ())
                }
            })
            .await;
        match sent {
            // Accepted with a status or headers that the specification does not know.
            Err(Inner::RegistryNoLocationError | Inner::SpecViolationError(_))
                if self.has_blob(digest).await? =>
            {
                Ok(())
            }
            sent => sent.map_err(|error| self.explain(&format!("send {digest}"), error)),
        }
    }

    /// Puts a manifest under a tag. ECR refuses an immutable tag also for the image that has it already (aws/containers-roadmap#2179):
    /// after a refusal the tag is read, and the same digest is success.
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
        let put = self
            .repeat(|client| {
                let (reference, raw, kind) = (reference.clone(), raw.clone(), kind.clone());
                async move {
                    let put = client.push_manifest_raw(&reference, raw, kind);
                    in_time(put).await.map(|_| ())
                }
            })
            .await;
        match put {
            Ok(()) => Ok(()),
            Err(_) if self.has_tag(tag, raw).await => Ok(()),
            Err(error) => Err(self.explain(&format!("tag the image {tag}"), error)),
        }
    }

    /// Whether the tag names this very manifest. A registry that does not say so has not got it.
    async fn has_tag(&self, tag: &str, raw: &Bytes) -> bool {
        let found = self.manifest(tag).await;
        matches!(found, Ok(Some(found)) if digest_of(&found) == digest_of(raw))
    }

    /// Sends a request, again when its connection was cut or the registry is busy, with a new token when the old one has run out.
    async fn repeat<T, F>(&self, call: impl Fn(Client) -> F + Send + Sync) -> InnerResult<T>
    where
        F: Future<Output = InnerResult<T>> + Send,
    {
        let mut attempt = 0;
        let mut renewed = false;
        loop {
            let client = self.client.read().await.clone();
            let error = match call(client).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            attempt += 1;
            let remedy = remedy(&error);
            // A fresh token that is refused, too, is a missing permission.
            let denied = renewed && remedy == Remedy::NewToken;
            if attempt >= ATTEMPTS || denied || remedy == Remedy::GiveUp {
                return Err(error);
            }
            renewed = remedy == Remedy::NewToken;
            if renewed {
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
        let (cause, hint) = explanation(&error);
        DeployError::registry(format!("cannot {what} at {place}: {cause}"), hint)
    }
}

/// A request without a large body, which is answered soon or never.
async fn in_time<T>(request: impl Future<Output = InnerResult<T>>) -> InnerResult<T> {
    match tokio::time::timeout(ANSWER_LIMIT, request).await {
        Ok(answer) => answer,
        Err(_) => {
            let text = format!("no answer for {} s", ANSWER_LIMIT.as_secs());
            Err(std::io::Error::new(std::io::ErrorKind::TimedOut, text).into())
        }
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
        // One `PUT` for a whole layer, whose progress is watched: reqwest's read timeout would count from the request's first byte on.
        use_monolithic_push: true,
        read_timeout: None,
        connect_timeout: Some(Duration::from_secs(10)),
        platform_resolver: None,
        user_agent: aws::user_agent(),
        ..ClientConfig::default()
    });
    let auth = RegistryAuth::Basic(user.to_owned(), password.to_owned());
    let reference = Reference::with_tag(host.clone(), repository.to_owned(), "latest".into());
    for operation in [RegistryOperation::Push, RegistryOperation::Pull] {
        in_time(client.auth(&reference, &auth, operation))
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

#[cfg(test)]
mod tests;
