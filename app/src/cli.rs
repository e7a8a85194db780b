//! The verbs of the command.

use std::io::Write;

use clap::{Parser, Subcommand};

use crate::admin::Change;
use crate::config::Config;
use crate::config::login::LoginConfig;
use crate::{admin, db, login, router, seed, serve, trace};

#[derive(Parser)]
#[command(
    name = "circles-app",
    version,
    about = "The Circles service. Settings come from APP_* variables and a .env file."
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Migrate the database, then serve until SIGTERM
    Serve,
    /// Bring the database's schema up to this version
    Migrate,
    /// Store sample places, people and check-ins, so that a first try shows something
    Seed(seed::Amount),
    /// Give the database user of APP_DATABASE_URL its password, as the administrator: one of two who take turns
    RotateLogin,
    /// Give an account administrator rights, or take them away
    #[command(subcommand)]
    Admin(AdminVerb),
    /// Print the OpenAPI document
    Openapi,
    /// Ask the service on this machine whether it lives; for the container's health check
    Check,
}

#[derive(Subcommand)]
enum AdminVerb {
    /// Give the account of this phone administrator rights
    Grant { phone: String },
    /// Take the administrator rights of this phone's account away
    Revoke { phone: String },
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Does what the command line asks.
///
/// # Errors
/// Whatever keeps it from being done, worded for people.
pub async fn run() -> Result<(), Failure> {
    match Cli::parse().verb {
        Verb::Openapi => {
            let text = serde_json::to_string_pretty(&router::document())?;
            writeln!(std::io::stdout(), "{text}")?;
        }
        Verb::Check => {
            let port = std::env::var("APP_PORT").unwrap_or_else(|_| "8000".to_owned());
            let http = reqwest::Client::builder()
                .no_proxy()
                .timeout(std::time::Duration::from_secs(3))
                .build()?;
            let url = format!("http://127.0.0.1:{port}/health");
            http.get(url).send().await?.error_for_status()?;
        }
        Verb::Serve => serve::run(configured()?).await?,
        Verb::Migrate => db::migrate(&configured()?.db).await?,
        Verb::RotateLogin => {
            let told = login::rotate(&LoginConfig::from_env()?).await?;
            writeln!(std::io::stdout(), "{told}")?;
        }
        Verb::Admin(verb) => {
            let (phone, change) = match verb {
                AdminVerb::Grant { phone } => (phone, Change::Grant),
                AdminVerb::Revoke { phone } => (phone, Change::Revoke),
            };
            let done = admin::set_rights(&configured()?.db, &phone, change).await?;
            writeln!(std::io::stdout(), "{done}")?;
        }
        Verb::Seed(amount) => {
            let config = configured()?;
            db::migrate(&config.db).await?;
            let told = seed::run(&config, &amount).await?;
            writeln!(std::io::stdout(), "{told}")?;
        }
    }
    Ok(())
}

fn configured() -> Result<Config, Failure> {
    let config = Config::from_env()?;
    trace::start_logging(config.debug);
    Ok(config)
}
