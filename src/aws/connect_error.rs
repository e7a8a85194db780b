//! Why AWS could not be reached at all, or does not know who asks.

use super::ca_bundle::BundleError;
use super::clients::Connect;
use super::credentials::OUTAGE;
use super::profiles::{Profiles, profiles};
use crate::kind::{Class, CloudError};

/// Why AWS could not be reached at all.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error(
        "no region: the stack file names none, and neither do AWS_REGION, AWS_DEFAULT_REGION or the profile"
    )]
    NoRegion,
    #[error(
        "no AWS credentials: set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, log in with `aws sso login`, or try `--sandbox`, which needs none"
    )]
    NoCredentials(CloudError),
    #[error("no AWS credentials in profile {profile}: {why}")]
    Profile { profile: String, why: String },
    #[error("there is no profile {profile}: {}", profiles.told())]
    UnknownProfile { profile: String, profiles: Profiles },
    #[error("{}", .0.message)]
    CredentialEndpoint(CloudError),
    #[error(transparent)]
    CaBundle(#[from] BundleError),
    #[error("AWS does not take the credentials: {0}")]
    Credentials(#[source] CloudError),
    #[error("{0} is no address of an AWS endpoint: it begins with http:// or https://")]
    Endpoint(String),
    #[error("AWS does not answer at {endpoint}: {}", source.message)]
    Unreachable {
        endpoint: String,
        source: CloudError,
    },
    #[error("AWS does not answer in region {region}: {}", source.message)]
    Region { region: String, source: CloudError },
    #[error("{0}")]
    Refused(#[source] CloudError),
}

/// `AWS_PROFILE`, unless it is empty.
pub(super) fn profile_of_environment() -> Option<String> {
    std::env::var("AWS_PROFILE")
        .ok()
        .filter(|name| !name.is_empty())
}

/// What the first call's error means for whoever wants to log in.
pub(super) fn refused(
    error: CloudError,
    connect: &Connect,
    endpoint: &Option<String>,
    region: &str,
) -> ConnectError {
    let profile = connect.profile.clone().or_else(profile_of_environment);
    match (error.class, endpoint, &profile) {
        (Class::Credentials, _, Some(profile))
            if error.code == "NoAnswer" && !profiles().has(profile) =>
        {
            ConnectError::UnknownProfile {
                profile: profile.clone(),
                profiles: profiles(),
            }
        }
        // AWS was not asked: there was nothing to sign with.
        (Class::Credentials, _, Some(profile)) if error.code == "NoAnswer" => {
            ConnectError::Profile {
                profile: profile.clone(),
                why: error.message,
            }
        }
        (Class::Credentials, ..) if error.code == "NoAnswer" => ConnectError::NoCredentials(error),
        (Class::Credentials, ..) => ConnectError::Credentials(error),
        (Class::Unreachable, ..) if error.code == OUTAGE => ConnectError::CredentialEndpoint(error),
        (Class::Unreachable | Class::Unknown, Some(endpoint), _) => ConnectError::Unreachable {
            endpoint: endpoint.clone(),
            source: error,
        },
        (Class::Unreachable | Class::Unknown, None, _) => ConnectError::Region {
            region: region.to_owned(),
            source: error,
        },
        _ => ConnectError::Refused(error),
    }
}
