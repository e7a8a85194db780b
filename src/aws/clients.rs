//! Clients, made once: region and endpoint, credentials, timeouts; the SDK's own retry is off everywhere, because the engine looks
//! before it repeats a mutating call, and reads are repeated in `read.rs`.

use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

use super::ca_bundle::CaBundle;
use super::connect_error::{ConnectError, profile_of_environment, refused};
use super::ecs::begun::BegunDeployments;
use super::read::Answering;
use super::told::Listener;
use super::{aws_error, credentials, user_agent};
use crate::kind::Limiter;

/// How long one attempt may take before its outcome counts as unknown. The SDK has no such limit of its own.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);

/// How to reach AWS.
#[derive(Clone, Debug, Default)]
pub struct Connect {
    /// The stack's region; `None`: the shell's.
    pub region: Option<String>,
    pub profile: Option<String>,
    /// A role to assume on top of the ambient credentials.
    pub assume_role: Option<String>,
    /// A custom endpoint for every service (the sandbox, an emulator); S3 then uses path style.
    pub endpoint: Option<String>,
    /// Who wants to hear of every call.
    pub listener: Option<Listener>,
    /// Use these instead of the ambient credentials (the sandbox, which knows no secrets).
    pub static_credentials: Option<(String, String)>,
}

/// A service's client, its calls told of.
macro_rules! client {
    ($sdk:ident, $config:expr, $listener:expr) => {{
        let mut builder = $sdk::config::Builder::from($config);
        if let Some(listener) = $listener {
            builder.push_interceptor(listener.interceptor());
        }
        $sdk::Client::from_conf(builder.build())
    }};
}

/// One account and region, with a client per service.
pub struct Aws {
    pub ec2: aws_sdk_ec2::Client,
    pub ecs: aws_sdk_ecs::Client,
    pub elb: aws_sdk_elasticloadbalancingv2::Client,
    pub rds: aws_sdk_rds::Client,
    pub ecr: aws_sdk_ecr::Client,
    pub s3: aws_sdk_s3::Client,
    pub secrets: aws_sdk_secretsmanager::Client,
    pub iam: aws_sdk_iam::Client,
    pub logs: aws_sdk_cloudwatchlogs::Client,
    pub acm: aws_sdk_acm::Client,
    pub route53: aws_sdk_route53::Client,
    pub tagging: aws_sdk_resourcegroupstagging::Client,
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub region: String,
    pub account: String,
    pub partition: String,
    /// Who we are, as STS says.
    pub caller_arn: String,
    /// The custom endpoint, if any.
    pub endpoint: Option<String>,
    /// Deployments of services that this process began.
    pub deployments: BegunDeployments,
    /// Reads in flight.
    pub(super) reads: Limiter,
    /// Which services have answered.
    pub(super) answering: Answering,
    config: SdkConfig,
    /// Hears every call, in another region too.
    listener: Option<Listener>,
}

impl Aws {
    /// Makes the clients and asks STS who we are (`GetCallerIdentity`, which needs no permission).
    pub async fn connect(connect: &Connect) -> Result<Self, ConnectError> {
        // The SDK passes over a variable that it cannot parse, and then asks the real AWS in its place.
        let given = connect.endpoint.clone();
        let given = given.or_else(|| std::env::var("AWS_ENDPOINT_URL").ok());
        if let Some(wrong) = given.filter(|url| !url.is_empty() && !is_web(url)) {
            return Err(ConnectError::Endpoint(wrong));
        }
        let config = load(connect).await?;
        let region = config
            .region()
            .map(|region| region.as_ref().to_owned())
            .ok_or(ConnectError::NoRegion)?;
        let endpoint = config.endpoint_url().map(str::to_owned);
        if let Some(wrong) = endpoint.as_deref().filter(|url| !is_web(url)) {
            return Err(ConnectError::Endpoint(wrong.to_owned()));
        }
        let mut aws = Self::with(&config, region, endpoint, &connect.listener);
        let sts = client!(aws_sdk_sts, &config, &connect.listener);
        let caller = aws
            .read("sts:GetCallerIdentity", || async {
                sts.get_caller_identity()
                    .send()
                    .await
                    .map_err(|e| aws_error("sts:GetCallerIdentity", e))
            })
            .await
            .map_err(|error| refused(error, connect, &aws.endpoint, &aws.region))?;
        let caller_arn = caller.arn.unwrap_or_default();
        aws.account = caller.account.unwrap_or_default();
        aws.partition = caller_arn.split(':').nth(1).unwrap_or("aws").to_owned();
        aws.caller_arn = caller_arn;
        Ok(aws)
    }

    /// Clients that nobody calls: for reading the kinds' tables without an account.
    pub fn offline() -> Self {
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .build();
        Self::with(&config, String::new(), None, &None)
    }

    fn with(
        config: &SdkConfig,
        region: String,
        endpoint: Option<String>,
        listener: &Option<Listener>,
    ) -> Self {
        // AWS_ENDPOINT_URL_S3 is the SDK's to read; path style is ours.
        let custom = endpoint.is_some() || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some();
        let mut s3 = aws_sdk_s3::config::Builder::from(config).force_path_style(custom);
        s3.push_interceptor(super::s3::roots::mended());
        if let Some(listener) = listener {
            s3.push_interceptor(listener.interceptor());
        }
        Self {
            ec2: client!(aws_sdk_ec2, config, listener),
            ecs: client!(aws_sdk_ecs, config, listener),
            elb: client!(aws_sdk_elasticloadbalancingv2, config, listener),
            rds: client!(aws_sdk_rds, config, listener),
            ecr: client!(aws_sdk_ecr, config, listener),
            s3: aws_sdk_s3::Client::from_conf(s3.build()),
            secrets: client!(aws_sdk_secretsmanager, config, listener),
            iam: client!(aws_sdk_iam, config, listener),
            logs: client!(aws_sdk_cloudwatchlogs, config, listener),
            acm: client!(aws_sdk_acm, config, listener),
            route53: client!(aws_sdk_route53, config, listener),
            tagging: client!(aws_sdk_resourcegroupstagging, config, listener),
            dynamodb: client!(aws_sdk_dynamodb, config, listener),
            region,
            account: String::new(),
            partition: String::new(),
            caller_arn: String::new(),
            endpoint,
            deployments: BegunDeployments::default(),
            reads: Limiter::default(),
            answering: Answering::default(),
            config: config.clone(),
            listener: listener.clone(),
        }
    }

    /// The same account and caller in another region.
    pub fn in_region(&self, region: &str) -> Self {
        let config = self
            .config
            .to_builder()
            .region(Region::new(region.to_owned()))
            .build();
        let mut aws = Self::with(
            &config,
            region.to_owned(),
            self.endpoint.clone(),
            &self.listener,
        );
        aws.account.clone_from(&self.account);
        aws.partition.clone_from(&self.partition);
        aws.caller_arn.clone_from(&self.caller_arn);
        aws.answering = self.answering.clone();
        aws
    }
}

async fn load(connect: &Connect) -> Result<SdkConfig, ConnectError> {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(4))
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(Duration::from_secs(120))
        .build();
    let named = connect.profile.clone().or_else(profile_of_environment);
    let bundle = CaBundle::load(named.as_deref())?;
    let mut loader = user_agent::identify(aws_config::defaults(BehaviorVersion::latest()))
        .http_client(super::http::client(bundle.as_ref()))
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        .no_credentials();
    if let Some(region) = &connect.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(profile) = &connect.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(endpoint) = &connect.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    let config = loader.load().await;
    let provider = credentials::provider(connect, &config, bundle.as_ref()).await;
    let builder = config.into_builder().credentials_provider(provider);
    // The provider keeps and renews them itself.
    Ok(builder.identity_cache(IdentityCache::no_cache()).build())
}

fn is_web(url: &str) -> bool {
    ["http://", "https://"]
        .iter()
        .any(|scheme| url.len() > scheme.len() && url.starts_with(scheme))
}
