//! Work that recurs. Each job runs on one task at a time, whoever takes its turn first, as a task of its own with a deadline: a job that
//! fails, hangs or panics keeps no other from running. All are safe to run again.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::watch;

use crate::app::App;
use crate::db::in_time;
use crate::error::Result;
use crate::job_health::Outcome;

mod osm;
mod purge;
pub mod warm;
mod work;

use work::Work;

/// A recurring job.
#[derive(Debug, Clone, Copy)]
struct Job {
    name: &'static str,
    every: Duration,
    /// Not longer than `every`, so that no two runs overlap.
    deadline: Duration,
    work: Work,
}

const fn job(name: &'static str, every: u64, deadline: u64, work: Work) -> Job {
    Job {
        name,
        every: Duration::from_secs(every),
        deadline: Duration::from_secs(deadline),
        work,
    }
}

/// In the order of their names: two tasks lock the turns in the same order.
const JOBS: [Job; 9] = [
    job("disappear-messages", 10, 10, Work::DisappearMessages),
    job("name-places", 10, 10, Work::NamePlaces),
    job("purge-activities", 3600, 300, Work::PurgeActivities),
    job("purge-codes", 3600, 60, Work::PurgeCodes),
    job("purge-live", 120, 60, Work::PurgeLive),
    job("purge-place-chat", 600, 60, Work::PurgePlaceChat),
    job("reap-tasks", 10, 10, Work::ReapTasks),
    job("seed-from-osm", 24 * 3600, 300, Work::SeedFromOsm),
    job("sweep-files", 20, 20, Work::SweepFiles),
];

/// How often a task looks for turns to take.
const LOOK: Duration = Duration::from_secs(5);
/// How long a look may take.
const LOOK_LIMIT: Duration = Duration::from_secs(10);
/// A job that failed is tried again after this, or at its next turn when that comes first.
const RETRY: Duration = Duration::from_secs(60);

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
            for job in due(&app).await {
                let app = app.clone();
                tokio::spawn(async move { run(&app, job).await });
            }
        }
    });
}

/// Runs every job whose turn has come and that no other task took, all at once, to their ends.
pub async fn run_due(app: &App) {
    let runs = due(app).await.into_iter().map(|job| run(app, job));
    futures::future::join_all(runs).await;
}

/// The jobs whose turns this task took.
async fn due(app: &App) -> Vec<&'static Job> {
    app.jobs.note_look();
    match in_time(LOOK_LIMIT, take_turns(app)).await {
        Ok(taken) => JOBS
            .iter()
            .filter(|job| taken.iter().any(|name| name == job.name))
            .collect(),
        Err(error) => {
            tracing::debug!(cause = ?error, "turns cannot be read");
            Vec::new()
        }
    }
}

async fn take_turns(app: &App) -> Result<Vec<String>> {
    let sql = "insert into job_turns as t (name, next_at) \
               select j.name, now() + make_interval(secs => j.every) \
               from unnest($1::text[], $2::float8[]) with ordinality as j (name, every, n) order by n \
               on conflict (name) do update set next_at = excluded.next_at where t.next_at <= now() \
               returning name";
    let taken = sqlx::query_scalar(sql)
        .bind(JOBS.map(|job| job.name))
        .bind(JOBS.map(|job| job.every.as_secs_f64()))
        .fetch_all(&app.db)
        .await?;
    Ok(taken)
}

/// Runs a job, and notes how that ended.
async fn run(app: &App, job: &'static Job) {
    let outcome = guarded(job.name, job.deadline, job.work.run(app)).await;
    app.metrics.count_job(job.name, outcome.name());
    if app.jobs.note_run(job.name, outcome) {
        tracing::error!(
            alarm = "job-failing",
            job = job.name,
            "a background job is failing"
        );
    }
    if outcome != Outcome::Done {
        let _ = in_time(LOOK_LIMIT, retry_soon(app, job)).await;
    }
}

async fn retry_soon(app: &App, job: &Job) -> Result<()> {
    let sql = "update job_turns set next_at = least(next_at, now() + make_interval(secs => $2)) where name = $1";
    sqlx::query(sql)
        .bind(job.name)
        .bind(RETRY.as_secs_f64())
        .execute(&app.db)
        .await?;
    Ok(())
}

/// Work within a deadline, its panic caught.
async fn guarded(
    name: &'static str,
    deadline: Duration,
    work: impl Future<Output = Result<()>>,
) -> Outcome {
    let work = AssertUnwindSafe(work).catch_unwind();
    match tokio::time::timeout(deadline, work).await {
        Ok(Ok(Ok(()))) => Outcome::Done,
        Ok(Ok(Err(error))) => {
            tracing::warn!(job = name, cause = ?error, "a job failed");
            Outcome::Failed
        }
        Ok(Err(_)) => {
            tracing::error!(job = name, "a job panicked");
            Outcome::Panicked
        }
        Err(_) => {
            tracing::warn!(
                job = name,
                seconds = deadline.as_secs(),
                "a job exceeded its deadline"
            );
            Outcome::TimedOut
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ApiError;

    #[test]
    fn no_run_of_a_job_overlaps_the_next_and_turns_are_locked_in_one_order() {
        assert!(JOBS.iter().all(|job| job.deadline <= job.every));
        assert!(JOBS.is_sorted_by_key(|job| job.name));
    }

    #[tokio::test]
    async fn a_job_that_panics_fails_or_hangs_is_told_apart_and_harms_nobody() {
        let long = Duration::from_secs(60);
        let body = serde_json::json!([]);
        let panicking = async {
            let mut body = body.clone();
            body["elements"].take();
            Ok(())
        };
        assert_eq!(guarded("a", long, panicking).await, Outcome::Panicked);
        let failing = async { Err(ApiError::Unavailable) };
        assert_eq!(guarded("a", long, failing).await, Outcome::Failed);
        let hanging = std::future::pending();
        let short = Duration::from_millis(1);
        assert_eq!(guarded("a", short, hanging).await, Outcome::TimedOut);
        assert_eq!(guarded("a", long, async { Ok(()) }).await, Outcome::Done);
    }
}
