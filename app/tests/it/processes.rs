//! The program among others of its kind: killed in the middle, told to stop, started with bad settings.

use serde_json::json;
use sqlx::PgPool;

use crate::harness::Process;
use crate::harness::postgres::Database;
use crate::harness::process::command;

#[tokio::test(flavor = "multi_thread")]
async fn a_task_killed_in_the_middle_leaves_the_other_one_whole() {
    let database = Database::new().await;
    let db = PgPool::connect(&database.url).await.unwrap();
    let mut doomed = Process::start(&database.url, &[]).await;
    let before: Vec<uuid::Uuid> = sqlx::query_scalar("select id from live_tasks")
        .fetch_all(&db)
        .await
        .unwrap();
    let more = [("APP_WS_SWEEP_SECONDS", "0.5")];
    let lasting = Process::start(&database.url, &more).await;
    let sara = doomed.client().sign_up("Sara").await;
    let omar = lasting.client().sign_up("Omar").await;
    let thread = sara.thread_with(&omar).await;
    let path = format!("/ws/dms/{thread}");
    let mut s = sara.socket(&path).await;
    s.next_of("thread_info").await;
    let mut o = omar.socket(&path).await;
    o.next_of("thread_info").await;
    let messages = format!("/dms/threads/{thread}/messages");
    sara.post(&messages, json!({ "text": "before" }))
        .await
        .expect(200);
    assert_eq!(o.next_of("message").await["message"]["text"], "before");

    doomed.kill();
    // The sockets of the other task go on at once.
    o.send(json!({ "type": "message", "text": "after" })).await;
    assert_eq!(o.next_of("message").await["message"]["text"], "after");
    let sara = sara.at(lasting.address);
    let mut again = sara.socket(&path).await;
    again.next_of("thread_info").await;
    sara.post(&messages, json!({ "text": "back" }))
        .await
        .expect(200);
    assert_eq!(o.next_of("message").await["message"]["text"], "back");
    again.close().await;

    // The dead task beats no more; its silence is made longer here, so that nobody has to sit through it.
    sqlx::query("update live_tasks set beat_at = now() - interval '1 minute' where id = any($1)")
        .bind(&before)
        .execute(&db)
        .await
        .unwrap();
    let mut left = 1_i64;
    for _ in 0..150 {
        let sql = "select count(*) from live_sockets where user_id = $1";
        left = sqlx::query_scalar(sql)
            .bind(sara.id)
            .fetch_one(&db)
            .await
            .unwrap();
        if left == 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    assert_eq!(left, 0, "the dead task's socket is still counted");
    let presence = o.next_of("presence").await;
    assert_eq!(presence["user_id"], sara.id);
    assert_eq!(
        sara.get("/auth/me").await.expect(200)["availability_status"],
        "not_available"
    );
    assert_eq!(
        omar.get("/auth/me").await.expect(200)["availability_status"],
        "available"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_closes_sockets_finishes_requests_and_ends_well() {
    let database = Database::new().await;
    let db = PgPool::connect(&database.url).await.unwrap();
    let mut task = Process::start(&database.url, &[]).await;
    let sara = task.client().sign_up("Sara").await;
    let place: i64 = sqlx::query_scalar("insert into places (name) values ('Cafe') returning id")
        .fetch_one(&db)
        .await
        .unwrap();
    let mut socket = sara.socket(&format!("/ws/user/{}", sara.id)).await;
    socket.next_of("connection_established").await;
    // A request that waits for a lock is under way when the signal comes.
    let mut holder = db.begin().await.unwrap();
    sqlx::query("select 1 from places where id = $1 for update")
        .bind(place)
        .execute(&mut *holder)
        .await
        .unwrap();
    let path = format!("/places/{place}/reviews");
    let waiting = sara.post(&path, json!({ "rating": 3 }));
    let stop = async {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        task.terminate();
        let code = socket.close_code().await;
        holder.rollback().await.unwrap();
        code
    };
    let (answer, code) = tokio::join!(waiting, stop);
    assert_eq!(code, 1001);
    answer.expect(200);
    assert!(task.end().await.success());
}

#[test]
fn outside_debug_every_missing_secret_is_named_and_none_is_shown() {
    let weak = [
        ("APP_DEBUG", "false"),
        ("APP_JWT_SECRET_KEY", "short-and-secret"),
        ("APP_OTP_SECRET_KEY", ""),
        ("APP_SMS_SENDER", "log"),
    ];
    let done = command("postgresql://u:hidden@127.0.0.1:1/none", &weak)
        .arg("serve")
        .output()
        .expect("the program runs");
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(!done.status.success(), "{told}");
    for name in ["APP_JWT_SECRET_KEY", "APP_OTP_SECRET_KEY", "APP_SMS_SENDER"] {
        assert!(told.contains(name), "{name}: {told}");
    }
    assert!(
        !told.contains("short-and-secret") && !told.contains("hidden"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn migrate_is_a_task_of_its_own_and_says_when_the_database_is_away() {
    let database = Database::empty().await;
    let done = command(&database.url, &[]).arg("migrate").output().unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let db = PgPool::connect(&database.url).await.unwrap();
    assert!(circles_app::db::is_migrated(&db).await.unwrap());

    let away = command("postgresql://u:hidden@127.0.0.1:1/none", &[])
        .arg("migrate")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&away.stderr);
    assert!(
        !away.status.success() && told.contains("database"),
        "{told}"
    );
    assert!(!told.contains("hidden"), "{told}");
}
