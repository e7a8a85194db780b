//! Work that recurs: each job runs on one task at a time, whoever takes the turn first. All are safe to run again.

use std::time::Duration;

use tokio::sync::watch;

use crate::app::App;
use crate::error::Result;
use crate::external::overpass::Area;
use crate::external::venue;
use crate::presence;

/// A recurring job.
#[derive(Debug, Clone, Copy)]
struct Job {
    name: &'static str,
    every: Duration,
    work: Work,
}

#[derive(Debug, Clone, Copy)]
enum Work {
    ReapTasks,
    DisappearMessages,
    PurgePlaceChat,
    PurgeCodes,
    PurgeLive,
    SeedFromOsm,
}

const JOBS: [Job; 6] = [
    Job {
        name: "reap-tasks",
        every: Duration::from_secs(10),
        work: Work::ReapTasks,
    },
    Job {
        name: "disappear-messages",
        every: Duration::from_secs(300),
        work: Work::DisappearMessages,
    },
    Job {
        name: "purge-place-chat",
        every: Duration::from_secs(600),
        work: Work::PurgePlaceChat,
    },
    Job {
        name: "purge-codes",
        every: Duration::from_secs(3600),
        work: Work::PurgeCodes,
    },
    Job {
        name: "purge-live",
        every: Duration::from_secs(120),
        work: Work::PurgeLive,
    },
    Job {
        name: "seed-from-osm",
        every: Duration::from_secs(24 * 3600),
        work: Work::SeedFromOsm,
    },
];

/// How often a task looks for turns to take.
const LOOK: Duration = Duration::from_secs(5);

/// Starts looking for turns, until the task stops.
pub fn start(app: &App, stopping: watch::Receiver<bool>) {
    let app = app.clone();
    tokio::spawn(async move {
        let stop = crate::task::turned(stopping);
        tokio::pin!(stop);
        let mut ticks = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                () = &mut stop => return,
                _ = ticks.tick() => {}
            }
            run_due(&app).await;
        }
    });
}

/// Runs every job whose turn has come and that no other task took.
pub async fn run_due(app: &App) {
    for job in JOBS {
        match take_turn(app, &job).await {
            Ok(false) => {}
            Ok(true) => {
                if let Err(error) = job.work.run(app).await {
                    tracing::warn!(job = job.name, cause = ?error, "a job failed; it is tried again at its next turn");
                }
            }
            Err(error) => tracing::debug!(job = job.name, cause = ?error, "turns cannot be read"),
        }
    }
}

async fn take_turn(app: &App, job: &Job) -> Result<bool> {
    let sql = "insert into job_turns as t (name, next_at) values ($1, now() + make_interval(secs => $2)) \
               on conflict (name) do update set next_at = excluded.next_at where t.next_at <= now()";
    let taken = sqlx::query(sql)
        .bind(job.name)
        .bind(job.every.as_secs_f64())
        .execute(&app.db)
        .await?;
    Ok(taken.rows_affected() == 1)
}

impl Work {
    async fn run(self, app: &App) -> Result<()> {
        let chat_hours = app.config.checkin.chat_window_hours;
        match self {
            Work::ReapTasks => presence::reap(&app.db).await,
            Work::SeedFromOsm => seed_from_osm(app).await,
            Work::DisappearMessages => {
                let sql = "update dm_messages set deleted_at = now(), updated_at = now() where expires_at <= now() and deleted_at is null";
                Ok(sqlx::query(sql).execute(&app.db).await.map(drop)?)
            }
            Work::PurgePlaceChat => {
                let sql = "delete from place_chat_messages where created_at < now() - make_interval(hours => $1::int)";
                Ok(sqlx::query(sql)
                    .bind(chat_hours)
                    .execute(&app.db)
                    .await
                    .map(drop)?)
            }
            Work::PurgeCodes => {
                let sql = "delete from otp_codes where expires_at < now() - interval '1 day'";
                Ok(sqlx::query(sql).execute(&app.db).await.map(drop)?)
            }
            Work::PurgeLive => {
                sqlx::query(
                    "delete from live_events where created_at < now() - interval '5 minutes'",
                )
                .execute(&app.db)
                .await?;
                // The longest window of any limit is an hour.
                Ok(
                    sqlx::query("delete from rate_hits where at < now() - interval '1 hour'")
                        .execute(&app.db)
                        .await
                        .map(drop)?,
                )
            }
        }
    }
}

/// Stores what OpenStreetMap knows of the settings' area, while few of its places are stored.
async fn seed_from_osm(app: &App) -> Result<()> {
    let external = &app.config.external;
    let Some(area) = external
        .autoseed_bbox
        .filter(|_| external.autoseed && external.use_osm)
    else {
        return Ok(());
    };
    let sql = "select count(*) from places where data_source = 'osm_overpass'";
    let known: i64 = sqlx::query_scalar(sql).fetch_one(&app.db).await?;
    if known >= external.autoseed_min_osm_count {
        return Ok(());
    }
    match app.external.area(Area::Box(area)).await {
        Ok(venues) => {
            let stored = venue::store(&app.db, &venues).await?.len();
            tracing::info!(stored, "places seeded from OpenStreetMap");
        }
        Err(error) => tracing::warn!(cause = %error, "no places from OpenStreetMap this time"),
    }
    Ok(())
}
