//! The error that says that credentials cannot be had for now, apart from all that say that there
//! are none.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;

use super::exchange::Exchange;

/// A credential endpoint does not answer, or answers that it cannot serve at present.
#[derive(Debug, thiserror::Error)]
#[error("the credentials cannot be loaded at present: {0}")]
pub struct CredentialsOutage(pub String);

/// Whether an error is, or stems from, an outage of a credential endpoint.
pub fn find_outage<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a CredentialsOutage> {
    sources(error).find_map(|source| source.downcast_ref())
}

/// Whether an error is, or stems from, one of a credential provider.
pub fn is_credentials_error(error: &(dyn Error + 'static)) -> bool {
    sources(error).any(|source| source.is::<CredentialsError>())
}

/// Codes by which STS, SSO and sign-in say that they are asked too often, with a status of 400.
const THROTTLED: &[&str] = &[
    "Throttling",
    "Throttled",
    "TooManyRequests",
    "RequestLimitExceeded",
    "SlowDown",
    "IDPCommunicationError",
];

/// Whether `error` passes by itself. `last`: how the last request of the failed attempt ended;
/// `loaded`: credentials were had before.
pub fn is_transient(error: &CredentialsError, last: Option<Exchange>, loaded: bool) -> bool {
    if find_outage(error).is_some() || matches!(error, CredentialsError::ProviderTimedOut(_)) {
        return true;
    }
    match last {
        Some(Exchange::Answered(status)) if status >= 500 || status == 429 || status == 408 => true,
        Some(Exchange::Answered(_)) => {
            let text = chain(error);
            THROTTLED.iter().any(|code| text.contains(code))
        }
        // Before the first success this is how a machine without instance metadata looks like.
        Some(Exchange::Failed) => loaded || !is_not_loaded(error),
        None => false,
    }
}

/// Whether the innermost provider says that it has nothing to offer here.
fn is_not_loaded(error: &CredentialsError) -> bool {
    let innermost = sources(error)
        .filter_map(|source| source.downcast_ref::<CredentialsError>())
        .last();
    matches!(innermost, Some(CredentialsError::CredentialsNotLoaded(_)))
}

fn sources<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| {
        (*error).source()
    })
}

/// The error and its sources, outermost first, without repeating itself.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_that_is_away_is_told_from_one_that_refuses() {
        let refused = || CredentialsError::provider_error("ExpiredToken");
        let nothing = || CredentialsError::not_loaded("no providers in chain");
        for (error, last, loaded, transient) in [
            (refused(), Some(Exchange::Answered(503)), false, true),
            (refused(), Some(Exchange::Answered(429)), false, true),
            (refused(), Some(Exchange::Answered(403)), true, false),
            (refused(), Some(Exchange::Failed), false, true),
            (
                CredentialsError::provider_error("Throttling: Rate exceeded"),
                Some(Exchange::Answered(400)),
                false,
                true,
            ),
            (nothing(), Some(Exchange::Failed), false, false),
            (nothing(), Some(Exchange::Failed), true, true),
            (nothing(), None, true, false),
            (
                CredentialsError::provider_timed_out(std::time::Duration::from_secs(1)),
                None,
                false,
                true,
            ),
            (
                CredentialsError::provider_error(CredentialsOutage("x".into())),
                None,
                false,
                true,
            ),
        ] {
            assert_eq!(
                is_transient(&error, last, loaded),
                transient,
                "{error:?} {last:?} {loaded}"
            );
        }
    }

    #[test]
    fn a_wrapped_provider_that_has_nothing_to_offer_is_no_outage() {
        let inner = CredentialsError::not_loaded("could not communicate with IMDS");
        let outer = CredentialsError::provider_error(inner);
        assert!(!is_transient(&outer, Some(Exchange::Failed), false));
        assert!(is_credentials_error(&outer));
    }
}
