//! Work that recurs: what is past its time goes, and each turn is one task's.

use circles_app::app::App;
use circles_app::jobs;
use serde_json::json;

use crate::harness::World;
use crate::harness::server::settings;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_past_its_time_goes_and_what_is_not_stays() {
    let world = World::new().await;
    let (sara, omar) = (world.person("Sara").await, world.person("Omar").await);
    let thread = sara.thread_with(&omar).await;
    let place = world.place("Cafe", 0.0).await;
    for text in ["stays", "goes"] {
        sara.post(
            &format!("/dms/threads/{thread}/messages"),
            json!({ "text": text }),
        )
        .await
        .expect(200);
        let row = "insert into place_chat_messages (id, place_id, user_id, text) values (gen_random_uuid(), {place}, {user}, '{text}')"
            .replace("{place}", &place.to_string())
            .replace("{user}", &sara.id.to_string())
            .replace("{text}", text);
        world.execute(&row).await;
    }
    world
        .execute(
            "update dm_messages set expires_at = now() - interval '1 second' where text = 'goes'",
        )
        .await;
    world
        .execute("update place_chat_messages set created_at = now() - interval '3 days' where text = 'goes'")
        .await;
    world
        .execute("update otp_codes set expires_at = now() - interval '3 days', created_at = now() - interval '3 days'")
        .await;
    world.execute("update job_turns set next_at = now()").await;
    let app = App::new(settings(&world.database.url, &[]))
        .await
        .expect("parts");
    jobs::run_due(&app).await;
    // The running service may have taken some of the turns, and be at them still.
    for _ in 0..100 {
        if world.count("select count(*) from otp_codes").await == 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(world.count("select count(*) from otp_codes").await, 0);
    assert_eq!(
        world
            .count("select count(*) from place_chat_messages")
            .await,
        1
    );
    let seen = omar
        .get(&format!("/dms/threads/{thread}/messages"))
        .await
        .expect(200);
    let texts: Vec<&str> = seen["items"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|m| m["text"].as_str())
        .collect();
    assert_eq!(texts, ["This message was deleted", "stays"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tasks_share_the_turns() {
    let world = World::new().await;
    let one = App::new(settings(&world.database.url, &[]))
        .await
        .expect("parts");
    let two = App::new(settings(&world.database.url, &[]))
        .await
        .expect("parts");
    // Nothing is due before the count begins, whatever the running service has done by then.
    jobs::run_due(&one).await;
    world
        .execute("create table turns (name text not null)")
        .await;
    world
        .execute(
            "create function turn() returns trigger language plpgsql as \
             $$ begin insert into turns values (new.name); return new; end $$",
        )
        .await;
    world.execute("update job_turns set next_at = now()").await;
    world
        .execute("create trigger taken after insert or update on job_turns for each row execute function turn()")
        .await;
    tokio::join!(
        jobs::run_due(&one),
        jobs::run_due(&two),
        jobs::run_due(&one)
    );
    let all = world.count("select count(*) from turns").await;
    let names = world.count("select count(distinct name) from turns").await;
    let jobs = world.count("select count(*) from job_turns").await;
    assert_eq!((all, names), (jobs, jobs), "each turn is taken, and once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_fails_keeps_no_other_from_running_and_is_told() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    world.service.begin_stop();
    let app = App::new(settings(&world.database.url, &[]))
        .await
        .expect("parts");
    world
        .execute("alter table otp_codes rename to otp_codes_away")
        .await;
    let due = async || {
        world.execute("update job_turns set next_at = now()").await;
        jobs::run_due(&app).await;
    };
    world
        .execute("insert into live_events (topic, payload, created_at) values ('u:1', '{}', now() - interval '1 day')")
        .await;
    due().await;
    let events = "select count(*) from live_events where topic = 'u:1'";
    assert_eq!(world.count(events).await, 0, "the others ran");
    let soon = "select count(*) from job_turns where name = 'purge-codes' and next_at < now() + interval '2 minutes'";
    assert_eq!(world.count(soon).await, 1, "it is tried again soon");
    assert!(app.jobs.is_healthy(), "once is no failure");
    due().await;
    due().await;
    assert_eq!(app.jobs.failing(), ["purge-codes"]);
    world
        .execute("alter table otp_codes_away rename to otp_codes")
        .await;
    due().await;
    assert!(app.jobs.is_healthy());
    drop(sara);
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_and_metrics_tell_of_the_jobs() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    world
        .counts(
            "select count(*) from job_turns where name = 'purge-codes'",
            1,
        )
        .await;
    assert_eq!(sara.get("/readyz").await.expect(200)["jobs"], true);
    world
        .execute("alter table otp_codes rename to otp_codes_away")
        .await;
    let failed = async |count: usize| {
        let series = format!("job_runs_total{{job=\"purge-codes\",outcome=\"failed\"}} {count}");
        for _ in 0..200 {
            let metrics = sara.get("/metrics").await.text;
            if metrics.contains(&series) {
                return metrics;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        panic!("never {series}");
    };
    for count in 1..=3 {
        world.execute("update job_turns set next_at = now()").await;
        failed(count).await;
    }
    assert!(failed(3).await.contains("jobs_failing 1"));
    let told = sara.get("/readyz").await.expect(503);
    assert_eq!(
        (&told["jobs"], &told["database"]),
        (&json!(false), &json!(true))
    );
}
