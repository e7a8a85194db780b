//! Two tasks under traffic, and one is killed: what was acknowledged is there, once, and the other answers as before.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use sqlx::PgPool;

use crate::harness::postgres::Database;
use crate::harness::{Client, Process};

/// What one person saw: texts acknowledged, and texts whose answer never came.
struct Seen {
    said: Vec<String>,
    lost: Vec<String>,
}

/// Sends messages to `thread` until told to stop; when the first task is gone, goes to the second as a load balancer would.
async fn talk(first: Client, second: Client, thread: i64, stop: Arc<AtomicBool>) -> Seen {
    let mut seen = Seen {
        said: Vec::new(),
        lost: Vec::new(),
    };
    let path = format!("/dms/threads/{thread}/messages");
    let mut to = &first;
    for n in 0.. {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let text = format!("{} says {n}", to.id);
        match to.try_post(&path, json!({ "text": text })).await {
            Some(answer) => {
                answer.expect(200);
                seen.said.push(text);
            }
            None => {
                assert_eq!(to.address, first.address, "the other task does not fail");
                seen.lost.push(text);
                to = &second;
            }
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_killed_under_traffic_loses_nothing_it_acknowledged() {
    let database = Database::new().await;
    let db = PgPool::connect(&database.url).await.unwrap();
    let caps = [("APP_DM_MESSAGES_PER_MIN", "1000000")];
    let mut doomed = Process::start(&database.url, &caps).await;
    let lasting = Process::start(&database.url, &caps).await;
    let omar = lasting.client().sign_up("Omar").await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut talkers = Vec::new();
    for n in 0..4 {
        let person = lasting.client().sign_up(&format!("Sara{n}")).await;
        let thread = person.thread_with(&omar).await;
        let (first, second) = (person.at(doomed.address), person);
        talkers.push(tokio::spawn(talk(first, second, thread, stop.clone())));
    }
    let count = "select count(*) from dm_messages";
    let stored = async |least: i64| {
        for _ in 0..600 {
            let now: i64 = sqlx::query_scalar(count).fetch_one(&db).await.unwrap();
            if now >= least {
                return now;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no {least} messages in time");
    };
    let before = stored(40).await;
    doomed.kill();
    // They go on by the other task.
    stored(before + 40).await;
    stop.store(true, Ordering::SeqCst);
    let (mut said, mut lost) = (Vec::new(), Vec::new());
    for talker in talkers {
        let seen = talker.await.expect("no talker failed");
        said.extend(seen.said);
        lost.extend(seen.lost);
    }
    let kept: Vec<String> = sqlx::query_scalar("select text from dm_messages")
        .fetch_all(&db)
        .await
        .unwrap();
    for text in &said {
        assert_eq!(kept.iter().filter(|k| *k == text).count(), 1, "{text}");
    }
    // What had no answer may be there or not, but whole and once.
    for text in &kept {
        assert!(said.contains(text) || lost.contains(text), "{text}");
    }
    assert!(
        lost.len() <= 4 && kept.len() <= said.len() + lost.len(),
        "{lost:?}"
    );
    // No lock and no half-done work of the dead task is left behind.
    omar.get("/dms/inbox").await.expect(200);
    let unread = omar.get("/dms/unread-count").await.expect(200);
    assert_eq!(unread["unread"].as_i64(), i64::try_from(kept.len()).ok());
}
