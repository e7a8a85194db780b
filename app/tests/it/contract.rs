//! Every row of the interface: method, path, who may call it, and the status of success.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use sqlx::{Connection, Executor, PgConnection};

use crate::harness::postgres::{Database, db_config};
use crate::harness::{Client, World};
use crate::older::LATER;

mod hidden;
mod people;
mod places;
mod refusals;

/// Who may call.
#[derive(Clone, Copy, PartialEq)]
enum Who {
    Anyone,
    User,
    Admin,
}
use Who::{Admin, Anyone, User};

/// What is sent.
enum Send {
    Nothing,
    Body(Value),
    File(&'static str, fn() -> Vec<u8>),
}

struct Row {
    method: &'static str,
    /// As the document names it; a `?` starts the query.
    path: &'static str,
    who: Who,
    status: u16,
    send: Send,
}

fn row(method: &'static str, path: &'static str, who: Who, status: u16) -> Row {
    Row {
        method,
        path,
        who,
        status,
        send: Send::Nothing,
    }
}

fn body(method: &'static str, path: &'static str, who: Who, status: u16, body: Value) -> Row {
    Row {
        method,
        path,
        who,
        status,
        send: Send::Body(body),
    }
}

fn file(path: &'static str, field: &'static str, bytes: fn() -> Vec<u8>) -> Row {
    Row {
        method: "POST",
        path,
        who: User,
        status: 200,
        send: Send::File(field, bytes),
    }
}

/// Routes the document hides on purpose.
const HIDDEN: [&str; 7] = [
    "POST /auth/request-otp",
    "POST /auth/verify-otp",
    "GET /places/external/suggestions",
    "GET /places/search/enhanced",
    "GET /places/{place_id}/stats/enhanced",
    "GET /docs",
    "GET /openapi.json",
];

struct Stage {
    world: World,
    walker: Client,
    admin: Client,
    names: BTreeMap<&'static str, String>,
}

impl Stage {
    /// Walker (1), Other (2), Third (3) and an administrator; three places; and rows for every parameter, made as they are needed.
    async fn set() -> Stage {
        Stage::on(World::new().await).await
    }

    async fn on(world: World) -> Stage {
        let walker = world.person("Walker").await;
        let other = world.person("Other").await;
        let third = world.person("Third").await;
        let admin = world.person("Admin").await;
        world
            .execute(&format!(
                "update users set is_admin = true where id = {}",
                admin.id
            ))
            .await;
        assert_eq!((walker.id, other.id, third.id), (1, 2, 3));
        for name in ["First Cafe", "Second Cafe", "Third Cafe", "Fourth Cafe"] {
            world.place(name, 0.0).await;
        }
        walker.check_in(1, "public").await;
        other.check_in(1, "public").await;
        let thread = walker.thread_with(&other).await;
        let path = format!("/dms/threads/{thread}/messages");
        walker
            .post(&path, json!({ "text": "first" }))
            .await
            .expect(200);
        let names = [
            ("user_id", "2"),
            ("place_id", "1"),
            ("check_in_id", "1"),
            ("thread_id", "1"),
            ("message_id", "1"),
            ("collection_name", "Favorites"),
            ("emoji", "x"),
        ];
        let names = names.into_iter().map(|(k, v)| (k, v.to_owned())).collect();
        Stage {
            world,
            walker,
            admin,
            names,
        }
    }

    /// The id a parameter stands for now: most are the newest row of a table.
    async fn value(&self, name: &str, path: &str) -> String {
        let newest = |table: &str| format!("select max(id) from {table}");
        let sql = match (name, path) {
            ("photo_id", p) if p.contains("check-ins") => newest("check_in_photos"),
            ("photo_id", _) => newest("photos"),
            ("review_id", _) => newest("reviews"),
            ("ticket_id", _) => newest("support_tickets"),
            ("interest_id", _) => newest("user_interests"),
            ("comment_id", _) => newest("check_in_comments"),
            ("collection_id", _) => {
                "select max(id) from user_collections where name like '%alks%'".to_owned()
            }
            ("item_id", _) => newest("user_collection_places"),
            ("pending_id" | "waiting_id", _) => {
                let other = if name == "pending_id" {
                    3
                } else {
                    self.admin.id
                };
                self.pending_thread(other).await;
                newest("dm_threads")
            }
            _ => return self.names[name].clone(),
        };
        self.world.count(&sql).await.to_string()
    }

    /// A request of `other` that waits for the walker's answer.
    async fn pending_thread(&self, other: i64) {
        let sql = format!(
            "with t as (insert into dm_threads (user_a_id, user_b_id, initiator_id, status) values (1, {other}, {other}, 'pending') \
             on conflict (user_a_id, user_b_id) do update set status = 'pending', initiator_id = {other} returning id) \
             insert into dm_participant_states (thread_id, user_id, peer_id) select id, 1, {other} from t union all select id, {other}, 1 from t \
             on conflict do nothing"
        );
        self.world.execute(&sql).await;
    }

    async fn filled(&self, path: &str) -> String {
        let mut path = path.to_owned();
        while let Some(start) = path.find('{') {
            let end = path.find('}').expect("a closed parameter");
            let value = self.value(&path[start + 1..end], &path.clone()).await;
            path.replace_range(start..=end, &value);
        }
        path
    }

    async fn walk(&self, row: &Row) {
        let path = self.filled(row.path).await;
        let send = async |caller: &Client| match &row.send {
            Send::Nothing => caller.call(row.method, &path, None).await,
            Send::Body(body) => caller.call(row.method, &path, Some(body.clone())).await,
            Send::File(field, bytes) => {
                let texts = [
                    ("place_id", "4"),
                    ("latitude", "24.7136"),
                    ("longitude", "46.6753"),
                ]
                .map(|(k, v)| (k, v.to_owned()));
                caller.upload(&path, field, bytes(), &texts).await
            }
        };
        if row.who != Anyone {
            let refused = send(&self.world.nobody()).await;
            assert_eq!(
                refused.status, 403,
                "{} {} without a token: {}",
                row.method, row.path, refused.text
            );
        }
        if row.who == Admin {
            let refused = send(&self.walker).await;
            assert_eq!(
                refused.status, 403,
                "{} {} without rights: {}",
                row.method, row.path, refused.text
            );
        }
        let caller = match row.who {
            Anyone => &self.world.nobody(),
            User => &self.walker,
            Admin => &self.admin,
        };
        let answer = send(caller).await;
        assert_eq!(
            answer.status, row.status,
            "{} {}: {}",
            row.method, row.path, answer.text
        );
    }
}

fn all_rows() -> Vec<Row> {
    [
        people::system_rows(),
        people::people_rows(),
        places::place_rows(),
        places::check_in_rows(),
        people::dm_rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_answers_as_it_should() {
    let stage = Stage::set().await;
    for row in all_rows() {
        stage.walk(&row).await;
    }
}

/// Version N-1 on schema N: it migrates (which must change nothing), starts, and answers every row.
#[tokio::test(flavor = "multi_thread")]
async fn every_row_answers_on_the_schema_of_a_later_version() {
    let database = Database::new().await;
    let mut connection = PgConnection::connect(&database.url).await.unwrap();
    connection.execute(sqlx::raw_sql(LATER)).await.unwrap();
    circles_app::db::migrate(&db_config(&database.url))
        .await
        .expect("newer migrations are no reason not to start");
    let stage = Stage::on(World::over(database, &[]).await).await;
    for row in all_rows() {
        stage.walk(&row).await;
    }
    let ready = stage.world.nobody().get("/readyz").await;
    assert_eq!(ready.body["migrations"], true, "{ready:?}");
}

#[test]
fn the_document_lists_exactly_these_rows() {
    let document = serde_json::to_value(circles_app::router::document()).unwrap();
    let mut declared = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item
            .as_object()
            .unwrap()
            .keys()
            .filter(|k| *k != "parameters")
        {
            declared.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let written = |row: &Row| {
        let path = row.path.split('?').next().unwrap();
        // One place in a path has one name, whatever the row calls it.
        let path = path
            .replace("{pending_id}", "{thread_id}")
            .replace("{waiting_id}", "{thread_id}")
            .replace("/items/{item_id}", "/items/{check_in_id}");
        format!("{} {path}", row.method)
    };
    let mut rows: BTreeSet<String> = all_rows()
        .iter()
        .map(written)
        .filter(|r| !HIDDEN.contains(&r.as_str()))
        .collect();
    // Walked by every sign-up.
    rows.insert("POST /onboarding/verify-otp".to_owned());
    assert_eq!(declared, rows);
    assert!(rows.len() >= 139, "{}", rows.len());
}
