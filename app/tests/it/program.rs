//! The program's other commands, where its settings come from, and what its log says.

use std::fs::File;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use sqlx::PgPool;

use crate::harness::postgres::Database;
use crate::harness::process::{Process, command};

fn told(command: &mut Command) -> (bool, String) {
    let output = command.output().expect("the program runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text + &errors)
}

#[test]
fn the_document_is_printed_without_any_setting() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_circles-app"));
    let output = command.arg("openapi").env_clear().output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let printed: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let expected = serde_json::to_value(circles_app::router::document()).unwrap();
    assert_eq!(printed, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn seed_stores_what_it_is_asked_for_and_can_be_run_again() {
    let database = Database::empty().await;
    let seed = || {
        let mut command = command(&database.url, &[]);
        command.args([
            "seed",
            "--places",
            "30",
            "--users",
            "6",
            "--check-ins",
            "40",
        ]);
        told(&mut command)
    };
    let (good, text) = seed();
    assert!(good, "{text}");
    let db = PgPool::connect(&database.url).await.unwrap();
    let count = async |sql: &str| -> i64 { sqlx::query_scalar(sql).fetch_one(&db).await.unwrap() };
    assert_eq!(count("select count(*) from places").await, 30);
    assert_eq!(count("select count(*) from users").await, 6);
    assert_eq!(count("select count(*) from check_ins").await, 40);
    let (good, text) = seed();
    assert!(good, "{text}");
    assert_eq!(count("select count(*) from places").await, 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_comes_before_the_file() {
    let (filed, given) = (Database::empty().await, Database::empty().await);
    let folder = tempfile::tempdir().unwrap();
    let file = format!("app_database_url={}\nAPP_UNKNOWN=1\n", filed.url);
    std::fs::write(folder.path().join(".env"), file).unwrap();
    let migrated = async |database: &Database| -> bool {
        let db = PgPool::connect(&database.url).await.unwrap();
        let sql = "select to_regclass('places') is not null";
        sqlx::query_scalar(sql).fetch_one(&db).await.unwrap()
    };
    let migrate = |environment: bool| {
        let mut command = command(&given.url, &[]);
        command.arg("migrate").current_dir(folder.path());
        if !environment {
            command.env_remove("APP_DATABASE_URL");
        }
        let (good, text) = told(&mut command);
        assert!(good, "{text}");
    };
    migrate(true);
    assert!(migrated(&given).await && !migrated(&filed).await);
    migrate(false);
    assert!(migrated(&filed).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_names_requests_and_never_a_token() {
    let database = Database::new().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut command = command(&database.url, &[]);
    command
        .env_remove("RUST_LOG")
        .stderr(File::create(&path).unwrap());
    let service = Process::of(command).await;
    let sara = service.client().sign_up("Sara").await;
    let mut socket = sara.socket(&format!("/ws/user/{}", sara.id)).await;
    socket.next_of("connection_established").await;
    sara.get_with("/auth/me", "x-request-id", "followed-to-the-log")
        .await
        .expect(200);
    sara.get("/auth/me?token=in-a-query").await.expect(200);
    let mut log = String::new();
    for _ in 0..100 {
        log = std::fs::read_to_string(&path).unwrap();
        if log.contains("followed-to-the-log") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect();
    let request = lines
        .iter()
        .find(|line| line["request_id"] == "followed-to-the-log")
        .expect("the request's line");
    assert_eq!(request["route"], "/auth/me");
    assert_eq!(request["user"], sara.id);
    let opened = lines
        .iter()
        .any(|line| line["route"] == "/ws/user/{user_id}");
    assert!(opened, "{log}");
    let token = sara.token.as_deref().unwrap();
    let signature = token.rsplit('.').next().unwrap();
    for secret in [token, signature, "in-a-query"] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}
