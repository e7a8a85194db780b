//! `verify`.

use std::time::Duration;

use clap::Args;

use super::failure::{Exit, Failure, FailureKind};
use super::global::{Global, time};
use super::ui::Ui;
use crate::render::{json, verify as render};
use crate::verify::{VerifyAsk, VerifyError, verify};

/// Ask the running service whether it does what its clients need
///
/// Health, readiness, the OpenAPI document, metrics closed, public pages, closed doors; with --login two people sign up, check in, upload,
/// collect and write to each other. What a service in production hides (one-time codes, external places without a key) is expected, and no
/// failure. Ends with 76 when a check fails.
#[derive(Args, Clone, Debug)]
pub struct VerifyArgs {
    /// The service, `https://circles.example` [default: the stack's load balancer]
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,

    /// Sign up and use the service too; writes to its database and bucket, and needs one-time codes in answers
    #[arg(long)]
    pub login: bool,

    /// How long one answer may take
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time)]
    pub timeout: Duration,

    /// As JSON
    #[arg(long)]
    pub json: bool,
}

pub async fn run(args: &VerifyArgs, global: &Global, ui: &mut Ui) -> Result<Exit, Failure> {
    let url = match &args.url {
        Some(url) => url.clone(),
        None => super::open(global, ui).await?.service_url().await?,
    };
    let ask = VerifyAsk {
        url,
        login: args.login,
        patience: args.timeout.max(Duration::from_millis(100)),
    };
    let palette = ui.out_palette;
    let quiet = ui.quiet || args.json;
    let mut broken = None;
    let report = {
        let mut told = |check: &crate::verify::Check| {
            if !quiet
                && broken.is_none()
                && let Err(failure) = ui.result(&render::line(check, palette))
            {
                broken = Some(failure);
            }
        };
        verify(&ask, &mut told).await.map_err(failure)?
    };
    if let Some(failure) = broken {
        return Err(failure);
    }
    if args.json {
        ui.result(&json::pretty(&report))?;
    } else {
        ui.result(&render::total(&report, palette))?;
    }
    Ok(if report.passed {
        Exit::FINE
    } else {
        Exit::NOT_VERIFIED
    })
}

fn failure(error: VerifyError) -> Failure {
    let kind = match error {
        VerifyError::Url(_) => FailureKind::Usage,
        VerifyError::Client(_) => FailureKind::Local,
    };
    Failure::new(kind, error.to_string())
}
