//! The parts of one running task, shared by every handler.

use std::ops::Deref;
use std::sync::Arc;

use sqlx::PgPool;

use crate::config::Config;
use crate::db::{self, DbError};
use crate::debug;
use crate::external::External;
use crate::geo::Geo;
use crate::job_health::JobHealth;
use crate::metrics::Metrics;
use crate::objects::Objects;
use crate::rankings::Rankings;
use crate::recent::Recent;
use crate::sms::Sms;
use crate::spool::Spool;
use crate::task::Live;
use crate::token::Tokens;
use crate::upload_slots::{Bounds, UploadSlots};
use crate::vocabulary::Vocabulary;

/// Cheap to clone; every handler's state.
#[derive(Clone)]
pub struct App(Arc<Parts>);

pub struct Parts {
    pub config: Config,
    pub db: PgPool,
    pub geo: Geo,
    pub tokens: Tokens,
    pub objects: Objects,
    pub spool: Spool,
    pub uploads: UploadSlots,
    pub sms: Sms,
    pub live: Live,
    pub external: External,
    pub rankings: Rankings,
    pub vocabulary: Vocabulary,
    pub metrics: Metrics,
    pub jobs: JobHealth,
    pub checked: Recent<Checked>,
}

/// What `/readyz` found out last.
#[derive(Debug, Clone, Copy)]
pub struct Checked {
    pub database: bool,
    pub migrations: bool,
    pub storage: bool,
}

impl Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    /// Builds the parts. The database must be migrated.
    ///
    /// # Errors
    /// When the database is away, or lacks what the settings ask of it.
    pub async fn new(config: Config) -> Result<App, DbError> {
        let db = db::pool(&config.db)?;
        let config = debug::with_shared_secrets(config, &db).await?;
        let geo = db::geo(&config, &db).await?;
        Ok(App(Arc::new(Parts {
            geo,
            tokens: Tokens::new(&config.jwt),
            objects: Objects::new(&config.storage).await,
            spool: Spool::new(config.uploads.spool.clone()),
            uploads: UploadSlots::new(Bounds {
                per_task: config.uploads.per_task,
                per_user: config.uploads.per_user,
            }),
            sms: Sms::new(config.otp.sender).await,
            live: Live::default(),
            external: External::new(&config.external, db.clone()),
            rankings: Rankings::default(),
            vocabulary: Vocabulary::default(),
            metrics: Metrics::default(),
            jobs: JobHealth::default(),
            checked: Recent::default(),
            db,
            config,
        })))
    }
}
