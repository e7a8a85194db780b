//! What a registry's failures mean: whether a request is repeated, and what a person is told.

use oci_client::errors::OciDistributionError as Inner;

/// What is to be done about an answer that is no success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    Again,
    NewToken,
    GiveUp,
}

pub fn remedy(error: &Inner) -> Remedy {
    let by_code = |code: u16, message: &str| match code {
        401 => Remedy::NewToken,
        403 if is_token_refused(message) => Remedy::NewToken,
        408 | 429 | 500..=599 => Remedy::Again,
        _ => Remedy::GiveUp,
    };
    match error {
        Inner::ServerError { code, message, .. } => by_code(*code, message),
        Inner::RequestError(inner) => match inner.status().map(|status| status.as_u16()) {
            // A HEAD has no body: a refusal may be an expired token.
            Some(401 | 403) => Remedy::NewToken,
            Some(code) => by_code(code, ""),
            None if inner.is_builder() => Remedy::GiveUp,
            None => Remedy::Again,
        },
        Inner::UnauthorizedError { .. } => Remedy::NewToken,
        Inner::RegistryError { envelope, .. } => {
            let any = |test: fn(&str) -> bool| envelope.errors.iter().any(|e| test(&e.message));
            if any(is_token_refused) {
                Remedy::NewToken
            } else if any(|message| message.contains("Rate exceeded")) {
                Remedy::Again
            } else {
                Remedy::GiveUp
            }
        }
        Inner::IoError(error) if error.kind() == std::io::ErrorKind::TimedOut => Remedy::Again,
        _ => Remedy::GiveUp,
    }
}

/// ECR: "Your authorization token has expired. Reauthenticate and try again."
fn is_token_refused(message: &str) -> bool {
    message.contains("expired") || message.contains("Not Authorized")
}

pub fn is_missing(error: &Inner) -> bool {
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

/// What went wrong, and what to do about it.
pub fn explanation(error: &Inner) -> (String, &'static str) {
    match error {
        Inner::ServerError { code, message, .. } => {
            (registry_message(*code, message), hint(*code, message))
        }
        Inner::RegistryError { envelope, .. } => {
            let all: Vec<&str> = envelope.errors.iter().map(|e| e.message.as_str()).collect();
            (all.join("; "), hint(0, &all.join(" ")))
        }
        Inner::UnauthorizedError { .. } | Inner::AuthenticationFailure(_) => (
            "it does not accept the token that ECR gave".into(),
            "the caller needs ecr:GetAuthorizationToken and the registry's actions: see `circles-infra permissions`",
        ),
        Inner::RequestError(inner) => (
            chain(inner),
            "the connection was cut again and again: look at the network; what has arrived is not sent again",
        ),
        Inner::IoError(inner) if inner.kind() == std::io::ErrorKind::TimedOut => (
            inner.to_string(),
            "the connection is too slow or stalls: look at the network, then run the same command again; what has arrived is not sent again",
        ),
        other => (
            other.to_string(),
            "look at the image, then run the same command again",
        ),
    }
}

/// What a registry says, without the JSON around it.
fn registry_message(code: u16, message: &str) -> String {
    let text = serde_json::from_str::<serde_json::Value>(message)
        .ok()
        .and_then(|json| Some(json["errors"][0]["message"].as_str()?.to_owned()));
    match text {
        Some(text) => text,
        None => format!("HTTP {code}"),
    }
}

fn hint(code: u16, message: &str) -> &'static str {
    if message.contains("immutable") || message.contains("already exists") {
        "the tag is taken by another image: run the same command again"
    } else if message.contains("DIGEST_INVALID") || message.contains("digest") {
        "the archive is damaged: make it again"
    } else if code == 403 || message.contains("not authorized") {
        "the caller lacks a permission of the registry: see `circles-infra permissions`"
    } else {
        "run the same command again: what has arrived is not sent again"
    }
}

/// An error with its causes, which say more than it does.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let message = error.to_string();
        if !text.contains(&message) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&message);
        }
        next = error.source();
    }
    text
}
