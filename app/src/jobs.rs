//! Work that recurs: each job runs on one task at a time, whoever takes the turn first. All are safe to run again.

use std::time::Duration;

use tokio::sync::watch;

use crate::app::App;
use crate::db::in_time;
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
    NamePlaces,
}

const JOBS: [Job; 7] = [
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
    Job {
        name: "name-places",
        every: Duration::from_secs(10),
        work: Work::NamePlaces,
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
        let limit = app.config.request_timeout;
        match in_time(limit, take_turn(app, &job)).await {
            Ok(false) => {}
            Ok(true) => {
                if let Err(error) = in_time(limit, job.work.run(app)).await {
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
            Work::NamePlaces => name_places(app).await,
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

/// Places named in one turn, a second apart: the geocoder is a public one, and asks for no more.
const NAMED: i64 = 5;
const APART: Duration = Duration::from_secs(1);

/// Fills in where the provider's places lie, each asked for once. What cannot be asked now waits for a later turn.
async fn name_places(app: &App) -> Result<()> {
    if !app.config.external.use_osm {
        return Ok(());
    }
    let sql = "select id, latitude, longitude from places where data_source = 'foursquare' \
               and latitude is not null and longitude is not null \
               and (country is null or city is null or neighborhood is null) \
               and not coalesce(place_metadata, '{}') ? 'geocoded_at' order by id desc limit $1";
    let unnamed: Vec<(i64, f64, f64)> = sqlx::query_as(sql).bind(NAMED).fetch_all(&app.db).await?;
    for (n, (id, lat, lng)) in unnamed.into_iter().enumerate() {
        if n > 0 {
            tokio::time::sleep(APART).await;
        }
        let found = match app.external.whereabouts(lat, lng).await {
            Ok(found) => found,
            Err(error) => {
                tracing::debug!(cause = %error, "a place could not be named");
                return Ok(());
            }
        };
        let sql = "update places set country = coalesce(country, $2), city = coalesce(city, $3), \
                   neighborhood = coalesce(neighborhood, $4), \
                   place_metadata = coalesce(place_metadata, '{}') || jsonb_build_object('geocoded_at', now()) where id = $1";
        sqlx::query(sql)
            .bind(id)
            .bind(found.country)
            .bind(found.city)
            .bind(found.neighborhood)
            .execute(&app.db)
            .await?;
    }
    Ok(())
}
