//! One HTTP client for all services: one pool of connections and one set of root certificates, where the SDK makes one for each service.

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::{Builder, ConnectorBuilder, tls};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use super::ca_bundle::CaBundle;

/// As the SDK's own default is made, proxies of the environment (`HTTPS_PROXY`, `NO_PROXY`) included.
pub(super) fn client(bundle: Option<&CaBundle>) -> SharedHttpClient {
    build(bundle, ProxyConfig::from_env)
}

/// Without any proxy.
pub(super) fn direct_client(bundle: Option<&CaBundle>) -> SharedHttpClient {
    build(bundle, ProxyConfig::disabled)
}

fn build(bundle: Option<&CaBundle>, proxy: fn() -> ProxyConfig) -> SharedHttpClient {
    let context = bundle.and_then(|bundle| {
        let store = tls::TrustStore::empty().with_pem_certificate(bundle.pem.clone());
        tls::TlsContext::builder()
            .with_trust_store(store)
            .build()
            .ok()
    });
    Builder::new().build_with_connector_fn(move |settings, components| {
        let crypto = tls::rustls_provider::CryptoMode::AwsLc;
        let mut connector = ConnectorBuilder::default().tls_provider(tls::Provider::Rustls(crypto));
        if let Some(context) = &context {
            connector = connector.tls_context(context.clone());
        }
        connector.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.set_proxy_config(Some(proxy()));
        connector.build()
    })
}
