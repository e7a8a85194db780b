//! Two logins of one role, as a password change by alternating users needs them: each may take up what the other made.

use sqlx::{Connection, Executor, PgConnection};
use uuid::Uuid;

use crate::harness::Service;
use crate::harness::postgres::{Database, server_url};
use crate::harness::server::settings;

#[tokio::test(flavor = "multi_thread")]
async fn the_next_login_serves_and_migrates_what_the_last_one_made() {
    let database = Database::empty().await;
    let mut admin = PgConnection::connect(&database.url).await.unwrap();
    // Roles belong to the server, which other tests use too.
    let tag = Uuid::new_v4().simple().to_string();
    let (owner, one, two) = (
        format!("owner_{tag}"),
        format!("one_{tag}"),
        format!("two_{tag}"),
    );
    let name = database.url.rsplit('/').next().unwrap();
    let setup = format!(
        "create role {owner} nologin; create role {one} login in role {owner}; create role {two} login in role {owner}; \
         grant all on database {name} to {owner}; grant create, usage on schema public to {owner}; \
         create extension postgis"
    );
    admin.execute(setup.as_str()).await.unwrap();
    let url_of = |login: &str| database.url.replace("postgres@", &format!("{login}@"));
    let role = [("APP_DB_ROLE", owner.as_str())];

    let first = settings(&url_of(&one), &role);
    circles_app::db::migrate(&first.db)
        .await
        .expect("the first login migrates");
    let running = Service::start(first).await;
    let sara = running.client().sign_up("Sara").await;

    let second = settings(&url_of(&two), &role);
    circles_app::db::migrate(&second.db)
        .await
        .expect("the second login may migrate");
    let mut as_two = PgConnection::connect_with(&circles_app::db::options(&second.db).unwrap())
        .await
        .unwrap();
    as_two
        .execute("alter table users add column shoe_size integer")
        .await
        .expect("the second login may change what the first one made");
    let next = Service::start(second).await;
    let there = next.client().sign_up("Omar").await;
    // Both serve side by side, and the old login can go once its tasks have.
    sara.get("/auth/me").await.expect(200);
    sara.at(next.address).get("/auth/me").await.expect(200);
    running.stop().await;
    admin
        .execute(format!("drop role {one}").as_str())
        .await
        .expect("the first login owns nothing");
    there.get("/auth/me").await.expect(200);
    there
        .at(next.address)
        .get("/collections/")
        .await
        .expect(200);

    // Without the role a login of its own right is a stranger to the tables.
    let stranger = settings(&url_of(&two), &[]);
    let mut plain = PgConnection::connect_with(&circles_app::db::options(&stranger.db).unwrap())
        .await
        .unwrap();
    let current: String = sqlx::query_scalar("select current_user::text")
        .fetch_one(&mut plain)
        .await
        .unwrap();
    assert_eq!(current, two);
    drop((plain, as_two));
    next.stop().await;
    drop(database);
    let mut server = PgConnection::connect(server_url()).await.unwrap();
    server
        .execute(format!("drop role {two}; drop role {owner}").as_str())
        .await
        .expect("nothing is left of them");
}
