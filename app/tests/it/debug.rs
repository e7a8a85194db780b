//! Debug without secrets: what it makes up is one for all tasks of a database, and for the next start.

use serde_json::json;

use crate::harness::World;
use crate::harness::client::Client;
use crate::harness::postgres::Database;
use crate::harness::process::{Process, command};

/// `APP_DEBUG=true` and nothing else.
async fn bare(database: &Database) -> Process {
    let mut command = command(&database.url, &[]);
    command
        .env_remove("APP_JWT_SECRET_KEY")
        .env_remove("APP_OTP_SECRET_KEY");
    Process::of(command).await
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_and_codes_of_one_task_are_good_at_the_other_and_after_a_restart() {
    let database = Database::new().await;
    let (one, two) = tokio::join!(bare(&database), bare(&database));
    let sara = one.client().sign_up("Sara").await;
    sara.at(two.address).get("/auth/me").await.expect(200);
    // A code of one task, and its guess at the other.
    let phone = json!({ "phone": "+966509999999" });
    let sent = one
        .client()
        .post("/onboarding/request-otp", phone)
        .await
        .expect(200);
    let guess = json!({ "phone": "+966509999999", "otp_code": sent["otp"] });
    two.client()
        .post("/onboarding/verify-otp", guess)
        .await
        .expect(200);
    drop((one, two));
    let again = bare(&database).await;
    sara.at(again.address).get("/auth/me").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn set_secrets_are_not_shared() {
    let world = World::new().await;
    world.person("Sara").await;
    assert_eq!(world.count("select count(*) from debug_secrets").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn debug_alone_is_enough_to_serve() {
    let database = Database::new().await;
    let folder = tempfile::tempdir().unwrap();
    let mut command = command(&database.url, &[]);
    // What remains is the database's address, the folder and the log's level.
    command.env_clear();
    command
        .env("APP_DEBUG", "true")
        .env("APP_DATABASE_URL", &database.url)
        .current_dir(folder.path());
    let served = Process::of(command).await;
    let client: Client = served.client();
    client.get("/health").await.expect(200);
}
