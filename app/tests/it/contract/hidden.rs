//! Every row that touches another person's things, as somebody calls it from whom they are hidden: by visibility, or by a block either way.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{all_rows, refusals::row_name};
use crate::harness::client::Answer;
use crate::harness::{Client, World, png};

mod messages;
mod own;
mod people;
mod places;

/// What all that belongs to the other person is called, so that no answer can show a part of it unnoticed.
const NAME: &str = "quetzal";

/// How the two stand to each other.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Standing {
    /// Everything is public, and the caller follows.
    Open,
    /// Everything is for the owner alone, though the caller follows.
    Private,
    /// Everything is for followers, and the caller is none.
    Stranger,
    /// The other person blocks the caller.
    Blocks,
    /// The caller blocks the other person.
    Blocked,
    /// Everything is for followers, and the caller is one: as open.
    Follower,
}
use Standing::{Blocked, Blocks, Follower, Open, Private, Stranger};

const STANDINGS: [Standing; 6] = [Open, Private, Stranger, Blocks, Blocked, Follower];

impl Standing {
    fn column(self) -> usize {
        match self {
            Open | Follower => 0,
            Private => 1,
            Stranger => 2,
            Blocks => 3,
            Blocked => 4,
        }
    }

    fn level(self) -> &'static str {
        match self {
            Private => "private",
            Stranger | Follower => "friends",
            Open | Blocks | Blocked => "public",
        }
    }

    fn dm_privacy(self) -> &'static str {
        match self {
            Private => "no_one",
            Stranger | Follower => "followers",
            Open | Blocks | Blocked => "everyone",
        }
    }
}

/// What must come.
#[derive(Clone, Copy, Debug)]
enum Told {
    Status(u16),
    /// The row's success, with the marker in it.
    Shows,
    /// The row's success, without the marker.
    Omits,
}
use Told::{Omits, Shows, Status};

/// Open, private, stranger, blocks, blocked.
type Columns = [Told; 5];

const fn only(status: u16) -> Columns {
    [Status(status); 5]
}

/// Nobody but the owner, however the two stand.
const NEVER: Columns = only(403);
/// What hangs on a person.
const PERSON: Columns = [Shows, Status(403), Status(403), Status(404), Shows];
/// A thing with a visibility of its own.
const THING: Columns = [Shows, Status(403), Status(403), Status(403), Shows];
/// What the two share, whatever else they show each other.
const SHARED: Columns = [Shows, Shows, Shows, Status(403), Status(403)];
const LISTED: Columns = [Shows, Omits, Omits, Omits, Omits];

struct Sight {
    row: &'static str,
    path: &'static str,
    body: Option<Value>,
    file: bool,
    marker: &'static str,
    first: &'static str,
    told: Columns,
}

fn see(row: &'static str, told: Columns) -> Sight {
    Sight {
        row,
        path: row.split_once(' ').expect("a method and a path").1,
        body: None,
        file: false,
        marker: NAME,
        first: "select 1",
        told,
    }
}

impl Sight {
    /// The path to call, when it is not the row's own.
    fn at(self, path: &'static str) -> Sight {
        Sight { path, ..self }
    }

    fn with(self, body: Value) -> Sight {
        let body = Some(body);
        Sight { body, ..self }
    }

    fn file(self) -> Sight {
        Sight { file: true, ..self }
    }

    /// The text that shows the other person is in the answer; a status alone is told by any answer.
    fn by(self, marker: &'static str) -> Sight {
        Sight { marker, ..self }
    }

    /// What is done in the database before.
    fn after(self, first: &'static str) -> Sight {
        Sight { first, ..self }
    }
}

fn table() -> Vec<Sight> {
    let all = [
        people::rows(),
        places::rows(),
        places::check_ins(),
        messages::rows(),
    ];
    all.into_iter().flatten().collect()
}

type Names = BTreeMap<&'static str, String>;

/// Makes something, and returns its id.
async fn post(who: &Client, path: &str, body: Value) -> String {
    who.post(path, body).await.expect(200)["id"].to_string()
}

/// What the other person did at the place, and both keep of it.
async fn things(world: &World, caller: &Client, other: &Client) -> Names {
    let check_in = other.check_in(1, "public").await["id"].to_string();
    let photo = format!(
        "insert into check_in_photos (check_in_id, url) values ({check_in}, 'checkins/2/quetzal.png')"
    );
    world.execute(&photo).await;
    let said = json!({ "content": NAME });
    let comment = post(other, &format!("/check-ins/{check_in}/comments"), said).await;
    let collection = post(other, "/collections/", json!({ "name": "Quetzal's" })).await;
    let places = format!("/collections/{collection}/places/1");
    let item = post(other, &places, Value::Null).await;
    let mine = json!({ "place_id": 1, "list_name": "Mine" });
    let mine = caller.post("/places/saved", mine).await.expect(200);
    let review = post(other, "/places/1/reviews", json!({ "rating": 4 })).await;
    let photo = format!("/places/reviews/{review}/photos");
    let photo = other.upload(&photo, "file", png(), &[]).await.expect(200);
    let names = [
        ("check_in_id", check_in),
        ("comment_id", comment),
        ("review_id", review),
        ("review_photo_id", photo["id"].to_string()),
        ("collection_id", collection),
        ("item_id", item),
        ("own_collection_id", mine["collection_id"].to_string()),
    ];
    names.into()
}

/// What is said between them, and with the third person.
async fn conversations(caller: &Client, other: &Client, third: &Client) -> Names {
    let said = json!({ "text": NAME });
    let room = "/places/1/chat/messages";
    other.post(room, said.clone()).await.expect(200);
    let thread = caller.thread_with(other).await.to_string();
    let messages = format!("/dms/threads/{thread}/messages");
    let message = post(other, &messages, said).await;
    let elsewhere = caller.thread_with(third).await.to_string();
    let messages = format!("/dms/threads/{elsewhere}/messages");
    let elsewhere_message = post(caller, &messages, json!({ "text": "hello" })).await;
    other.follow(third).await;
    third.follow(other).await;
    let names = [
        ("thread_id", thread),
        ("message_id", message),
        ("elsewhere_id", elsewhere),
        ("elsewhere_message_id", elsewhere_message),
    ];
    names.into()
}

struct Scene {
    world: World,
    caller: Client,
    other: Client,
    third: Client,
    names: Names,
}

impl Scene {
    /// The caller (1), the other person (2) with one thing of every kind, and a third (3) whom both know.
    async fn set() -> Scene {
        let world = World::new().await;
        let caller = world.person("Walker").await;
        let other = world.person("Quetzal").await;
        let third = world.person("Third").await;
        assert_eq!((caller.id, other.id, third.id), (1, 2, 3));
        let place = world.place("Cafe", 0.0).await;
        caller.check_in(place, "public").await;
        let mut names = things(&world, &caller, &other).await;
        names.extend(conversations(&caller, &other, &third).await);
        for (name, value) in [
            ("user_id", "2"),
            ("place_id", "1"),
            ("photo_id", "1"),
            ("collection_name", "Mine"),
            ("emoji", "x"),
        ] {
            names.insert(name, value.to_owned());
        }
        Scene {
            world,
            caller,
            other,
            third,
            names,
        }
    }

    fn filled(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in &self.names {
            text = text.replace(&format!("{{{name}}}"), value);
        }
        text
    }

    async fn stand(&self, standing: Standing) {
        self.world
            .execute("update dm_participant_states set blocked = false")
            .await;
        let (level, dm) = (standing.level(), standing.dm_privacy());
        for sql in [
            format!(
                "update users set dm_privacy = '{dm}', profile_visibility = '{level}', search_visibility = '{level}', \
                 stats_visibility = '{level}', media_default_visibility = '{level}', follower_list_visibility = '{level}', \
                 following_list_visibility = '{level}' where id = 2"
            ),
            format!("update check_ins set visibility = '{level}' where user_id = 2"),
            format!("update user_collections set visibility = '{level}' where user_id = 2"),
        ] {
            self.world.execute(&sql).await;
        }
        match standing {
            Blocks => self.other.block(&self.caller).await,
            Blocked => self.caller.block(&self.other).await,
            _ => {}
        }
    }

    /// Undoes what the call before may have changed.
    async fn again(&self, standing: Standing) {
        let follows = match standing {
            Open | Private | Follower => "(1, 2), (2, 1)",
            Stranger => "(2, 1)",
            // They went with the block.
            Blocks | Blocked => "(2, 3)",
        };
        for sql in [
            "delete from follows where least(follower_id, followee_id) = 1 and greatest(follower_id, followee_id) = 2".to_owned(),
            format!("insert into follows (follower_id, followee_id) values {follows} on conflict do nothing"),
            "update dm_threads set status = 'accepted', initiator_id = 1".to_owned(),
            "update dm_participant_states set last_read_at = null, muted = false, pinned = false, archived = false".to_owned(),
            // What was passed on while it could be read stays with whom it was passed to.
            "delete from dm_messages where forwarded_from_message_id is not null".to_owned(),
            "delete from dm_message_likes".to_owned(),
            "delete from dm_message_reactions".to_owned(),
            "delete from check_in_likes".to_owned(),
            "delete from check_in_comments where user_id = 1".to_owned(),
        ] {
            self.world.execute(&sql).await;
        }
    }

    async fn call(&self, standing: Standing, caller: &Client, sight: &Sight) -> Answer {
        self.again(standing).await;
        self.world.execute(&self.filled(sight.first)).await;
        let path = self.filled(sight.path);
        if sight.file {
            return caller.upload(&path, "file", png(), &[]).await;
        }
        let (method, _) = sight.row.split_once(' ').expect("a method");
        let body = sight.body.as_ref().map(|body| {
            serde_json::from_str(&self.filled(&body.to_string())).expect("JSON as before")
        });
        caller.call(method, &path, body).await
    }

    /// The answers of one standing that are not as they should be.
    async fn walk(&self, standing: Standing) -> Vec<String> {
        self.stand(standing).await;
        let mut wrong = Vec::new();
        for sight in table() {
            let answer = self.call(standing, &self.caller, &sight).await;
            let told = sight.told[standing.column()];
            let success = (200..300).contains(&answer.status);
            let shown = answer.text.to_lowercase().contains(sight.marker);
            let good = match told {
                Status(status) => answer.status == status,
                Shows => success && shown,
                Omits => success && !shown,
            };
            if !good {
                let (status, text) = (answer.status, &answer.text);
                let (row, path) = (sight.row, sight.path);
                wrong.push(format!(
                    "{standing:?} {row} ({path}) is not {told:?}: {status} {text}"
                ));
            }
        }
        wrong
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_hides_what_it_should() {
    let scene = Scene::set().await;
    let mut wrong = Vec::new();
    for standing in STANDINGS {
        wrong.extend(scene.walk(standing).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn threads_are_for_their_two_people() {
    let scene = Scene::set().await;
    scene.stand(Open).await;
    let mut walked = 0;
    for sight in table() {
        if !sight.path.contains("{thread_id}") && !sight.path.contains("{message_id}") {
            continue;
        }
        let answer = scene.call(Open, &scene.third, &sight).await;
        assert_eq!(answer.status, 403, "{}: {}", sight.row, answer.text);
        walked += 1;
    }
    assert!(walked >= 23, "{walked}");
}

#[test]
fn every_row_is_either_walked_or_ones_own() {
    let walked: BTreeSet<String> = table().iter().map(|s| s.row.to_owned()).collect();
    let own: BTreeSet<String> = own::ROWS.map(str::to_owned).into();
    let both: Vec<_> = walked.intersection(&own).collect();
    assert!(both.is_empty(), "{both:?}");
    let rows: BTreeSet<String> = all_rows()
        .iter()
        .map(|row| {
            let name = row_name(row).replace("{pending_id}", "{thread_id}");
            name.replace("{waiting_id}", "{thread_id}")
        })
        .collect();
    let told: BTreeSet<String> = walked.union(&own).cloned().collect();
    assert_eq!(told, rows);
}
