//! What the credential endpoints (STS, SSO, sign-in, instance and container metadata) answered
//! last. The providers wrap their errors in types of their own SDKs; whether an endpoint is away or
//! refuses can be told from the exchange itself, whichever provider it was.

use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

/// How a request to a credential endpoint ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exchange {
    /// With that HTTP status.
    Answered(u16),
    /// Without an answer: connection refused or reset, DNS, a timeout.
    Failed,
}

/// The last exchange, shared between the HTTP client and the provider.
#[derive(Clone, Debug, Default)]
pub struct LastExchange(Arc<Mutex<Option<Exchange>>>);

impl LastExchange {
    pub fn get(&self) -> Option<Exchange> {
        *self.0.lock().unwrap_or_else(|e| e.into_inner())
    }

    pub fn clear(&self) {
        self.set(None);
    }

    #[cfg(test)]
    pub fn note(&self, exchange: Exchange) {
        self.set(Some(exchange));
    }

    fn set(&self, exchange: Option<Exchange>) {
        *self.0.lock().unwrap_or_else(|e| e.into_inner()) = exchange;
    }
}

/// An HTTP client for credential providers that notes how each request ended. Instance and
/// container metadata are reached without a proxy: a link-local address means this very machine.
#[derive(Debug)]
pub struct ObservedClient {
    pub proxied: SharedHttpClient,
    pub direct: SharedHttpClient,
    pub last: LastExchange,
}

impl HttpClient for ObservedClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(ObservedConnector {
            proxied: self.proxied.http_connector(settings, components),
            direct: self.direct.http_connector(settings, components),
            last: self.last.clone(),
        })
    }
}

#[derive(Debug)]
struct ObservedConnector {
    proxied: SharedHttpConnector,
    direct: SharedHttpConnector,
    last: LastExchange,
}

impl HttpConnector for ObservedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let connector = if is_link_local(request.uri()) {
            &self.direct
        } else {
            &self.proxied
        };
        let answer = connector.call(request);
        let last = self.last.clone();
        // A request that is dropped in the middle, by a timeout, has failed.
        last.set(Some(Exchange::Failed));
        HttpConnectorFuture::new(async move {
            let answer = answer.await;
            if let Ok(response) = &answer {
                last.set(Some(Exchange::Answered(response.status().as_u16())));
            }
            answer
        })
    }
}

/// IMDS (169.254.169.254, fd00:ec2::254), ECS (169.254.170.2) and EKS (169.254.170.23,
/// fd00:ec2::23).
fn is_link_local(uri: &str) -> bool {
    let Some((_, rest)) = uri.split_once("://") else {
        return false;
    };
    rest.starts_with("169.254.") || rest.starts_with("[fd00:ec2::")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_endpoints_are_link_local() {
        for (uri, expected) in [
            ("http://169.254.169.254/latest/api/token", true),
            ("http://169.254.170.2/v2/credentials/x", true),
            ("http://[fd00:ec2::23]/v1/credentials", true),
            ("https://sts.us-east-1.amazonaws.com/", false),
            ("http://127.0.0.1:8080/169.254.169.254", false),
            ("", false),
        ] {
            assert_eq!(is_link_local(uri), expected, "{uri}");
        }
    }
}
