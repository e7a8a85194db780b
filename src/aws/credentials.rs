//! Logins, as every AWS client has them: profiles with all they can say (keys, roles, web identity,
//! SSO, `aws login`, processes), the environment, container and instance metadata. The providers
//! get a configuration of their own: the region, an HTTP client, and the SDK's standard retry,
//! which is off for all other clients; a provider with the clients' configuration would have one
//! attempt.

mod exchange;
mod outage;
mod refresh;

use std::time::Duration;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::{Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

use super::ca_bundle::CaBundle;
use super::clients::Connect;
use super::http;
use exchange::{LastExchange, ObservedClient};
#[cfg(test)]
pub(super) use outage::CredentialsOutage;
pub(super) use outage::{chain, find_outage, is_credentials_error};
use refresh::RefreshingProvider;

/// The code of an error that says that credentials cannot be had at present.
pub(super) const OUTAGE: &str = "CredentialsUnavailable";

/// Attempts of one request to a credential endpoint.
const ATTEMPTS: u32 = 3;

/// The provider for what `connect` asks for. `config`: the clients' configuration, without
/// credentials.
pub(super) async fn provider(
    connect: &Connect,
    config: &SdkConfig,
    bundle: Option<&CaBundle>,
) -> SharedCredentialsProvider {
    if let Some((id, secret)) = &connect.static_credentials {
        let fixed = Credentials::new(id, secret, None, None, "sandbox");
        return SharedCredentialsProvider::new(fixed);
    }
    let last = LastExchange::default();
    let observed = SharedHttpClient::new(ObservedClient {
        proxied: http::client(bundle),
        direct: http::direct_client(bundle),
        last: last.clone(),
    });
    let own = ProviderConfig::without_region()
        .with_region(config.region().cloned())
        .with_use_fips(config.use_fips())
        .with_use_dual_stack(config.use_dual_stack())
        .with_http_client(observed.clone())
        .with_retry_config(retry())
        .with_timeout_config(timeouts());
    let base = base_provider(connect, own, config.region().cloned(), last.clone()).await;
    let Some(role) = &connect.assume_role else {
        return base;
    };
    let config = config
        .to_builder()
        .http_client(observed)
        .retry_config(retry())
        .timeout_config(timeouts())
        .build();
    let assumed = aws_config::sts::AssumeRoleProvider::builder(role)
        .session_name("circles-infra")
        .configure(&config)
        .build_from_provider(base)
        .await;
    SharedCredentialsProvider::new(RefreshingProvider::new(assumed, last))
}

async fn base_provider(
    connect: &Connect,
    own: ProviderConfig,
    region: Option<Region>,
    last: LastExchange,
) -> SharedCredentialsProvider {
    let provider = match &connect.profile {
        // Who names a profile means it, whatever AWS_ACCESS_KEY_ID says: the SDK's own order would
        // take that first.
        Some(profile) => {
            let profile = ProfileFileCredentialsProvider::builder()
                .configure(&own)
                .profile_name(profile)
                .build();
            RefreshingProvider::new(profile, last)
        }
        None => {
            let chain = DefaultCredentialsChain::builder()
                .region(region)
                .configure(own)
                .build()
                .await;
            RefreshingProvider::new(chain, last)
        }
    };
    SharedCredentialsProvider::new(provider)
}

fn retry() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_max_backoff(Duration::from_secs(2))
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(4))
        .operation_attempt_timeout(Duration::from_secs(8))
        .operation_timeout(Duration::from_secs(20))
        .build()
}
