//! Who sees what, over random follows, blocks and visibilities: the service must agree with the rule written down here.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

use crate::harness::{Client, World};

mod lists;

const PEOPLE: usize = 4;
const LEVELS: [&str; 3] = ["public", "friends", "private"];

/// A photo of every check-in; the one place in every collection, and saved by everybody; and what the feed tells: each person checked in, made a collection, and liked and commented on the check-in
/// of the next.
const ENTRIES: [&str; 6] = [
    "insert into check_in_photos (check_in_id, url) select id, 'checkins/' || id || '/photo.png' from check_ins",
    "insert into user_collection_places (collection_id, place_id) select id, 1 from user_collections",
    "insert into saved_places (user_id, place_id, collection_id, list_name) select user_id, 1, id, name from user_collections",
    "insert into activities (user_id, activity_type, activity_data, check_in_id) \
     select user_id, 'checkin', jsonb_build_object('checkin_id', id), id from check_ins",
    "insert into activities (user_id, activity_type, activity_data, check_in_id) \
     select o.user_id, k.kind, jsonb_build_object('checkin_id', c.id), c.id from check_ins o \
     join check_ins c on c.user_id = (select coalesce(min(user_id) filter (where user_id > o.user_id), min(user_id)) from check_ins) \
     cross join (values ('like'), ('comment')) as k (kind)",
    "insert into activities (user_id, activity_type, activity_data) \
     select user_id, 'collection', jsonb_build_object('collection_id', id, 'collection_name', name) from user_collections where name = 'Things'",
];

#[derive(Debug, Clone)]
struct Case {
    /// Who follows whom.
    follows: BTreeSet<(usize, usize)>,
    /// Who blocks whom.
    blocks: BTreeSet<(usize, usize)>,
    /// Levels of each person's profile, check-in, collection, search, statistics, media, and of the lists of followers and followed.
    levels: Vec<[usize; 8]>,
}

fn pairs() -> impl Strategy<Value = BTreeSet<(usize, usize)>> {
    let pair = (0..PEOPLE, 0..PEOPLE).prop_filter("two people", |(a, b)| a != b);
    proptest::collection::btree_set(pair, 0..8)
}

fn case() -> impl Strategy<Value = Case> {
    let levels = proptest::collection::vec(proptest::array::uniform8(0..3_usize), PEOPLE);
    let few = pairs().prop_map(|all| all.into_iter().take(2).collect());
    (pairs(), few, levels).prop_map(|(follows, blocks, levels)| Case {
        follows,
        blocks,
        levels,
    })
}

impl Case {
    /// The rule.
    fn can_view(&self, owner: usize, viewer: usize, level: usize) -> bool {
        owner == viewer || level == 0 || (level == 1 && self.follows.contains(&(viewer, owner)))
    }

    fn blocks(&self, who: usize, whom: usize) -> bool {
        self.blocks.contains(&(who, whom))
    }

    async fn store(&self, world: &World, people: &[Client]) {
        for table in [
            "follows",
            "dm_threads",
            "activities",
            "check_ins",
            "user_collections",
        ] {
            world.execute(&format!("delete from {table}")).await;
        }
        for (a, b) in &self.follows {
            world
                .execute(&format!(
                    "insert into follows (follower_id, followee_id) values ({}, {})",
                    people[*a].id, people[*b].id
                ))
                .await;
        }
        for (a, b) in &self.blocks {
            let (a, b) = (people[*a].id, people[*b].id);
            world
                .execute(&format!(
                    "with t as (insert into dm_threads (user_a_id, user_b_id, initiator_id, status) values (least({a}, {b}), greatest({a}, {b}), {a}, 'blocked') \
                     on conflict (user_a_id, user_b_id) do update set status = 'blocked' returning id) \
                     insert into dm_participant_states (thread_id, user_id, peer_id, blocked) select id, {a}, {b}, true from t"
                ))
                .await;
        }
        for (person, levels) in people.iter().zip(&self.levels) {
            let [
                profile,
                check_in,
                collection,
                search,
                stats,
                media,
                followers,
                following,
            ] = levels.map(|l| LEVELS[l]);
            let id = person.id;
            world
                .execute(&format!(
                    "update users set profile_visibility = '{profile}', search_visibility = '{search}', stats_visibility = '{stats}', \
                     media_default_visibility = '{media}', follower_list_visibility = '{followers}', \
                     following_list_visibility = '{following}' where id = {id}"
                ))
                .await;
            world
                .execute(&format!(
                    "insert into check_ins (user_id, place_id, visibility, expires_at) values ({id}, 1, '{check_in}', now() + interval '1 day')"
                ))
                .await;
            world
                .execute(&format!("insert into user_collections (user_id, name, visibility) values ({id}, 'Things', '{collection}')"))
                .await;
        }
        for sql in ENTRIES {
            world.execute(sql).await;
        }
    }

    /// Whether `viewer` may see the check-in of `owner`.
    fn sees_check_in(&self, owner: usize, viewer: usize) -> bool {
        self.can_view(owner, viewer, self.levels[owner][1]) && !self.blocks(owner, viewer)
    }

    async fn check(&self, world: &World, people: &[Client]) {
        self.store(world, people).await;
        self.check_trending(world).await;
        for v in 0..PEOPLE {
            self.check_feed(people, v).await;
            self.check_photos(people, v).await;
            self.check_covers(world, people, v).await;
            for o in 0..PEOPLE {
                self.check_lists(people, v, o).await;
            }
        }
        self.check_people(world, people).await;
    }

    async fn check_people(&self, world: &World, people: &[Client]) {
        for (v, viewer) in people.iter().enumerate() {
            let here = viewer
                .get("/places/1/whos-here?limit=100")
                .await
                .expect(200);
            let found = viewer.get("/users/search?limit=100").await.expect(200);
            for (o, owner) in people.iter().enumerate() {
                let [profile, check_in, collection, search, stats, ..] = self.levels[o];
                let context = format!("{v} looks at {o} in {self:?}");
                let lists = |list: &Value, key: &str| {
                    list.as_array()
                        .expect("a list")
                        .iter()
                        .any(|u| u[key] == owner.id)
                };
                let seen = self.can_view(o, v, check_in);
                let either = self.blocks(o, v) || self.blocks(v, o);
                assert_eq!(
                    lists(&here["items"], "user_id"),
                    seen && !either,
                    "who's here: {context}"
                );
                assert_eq!(
                    lists(&found, "id"),
                    o != v && self.can_view(o, v, search) && !either,
                    "search: {context}"
                );
                let expected = match (self.blocks(o, v), self.can_view(o, v, profile)) {
                    (true, _) => 404,
                    (false, false) => 403,
                    (false, true) => 200,
                };
                let answer = viewer.get(&format!("/users/{}", owner.id)).await;
                assert_eq!(answer.status, expected, "profile: {context}");
                if expected == 200 {
                    let counted = !answer.body["followers_count"].is_null();
                    assert_eq!(counted, self.can_view(o, v, stats), "statistics: {context}");
                    let all = viewer
                        .get(&format!("/users/{}/check-ins", owner.id))
                        .await
                        .expect(200);
                    assert_eq!(
                        all["total"].as_i64(),
                        Some(i64::from(seen)),
                        "check-ins: {context}"
                    );
                    assert_eq!(
                        all["items"].as_array().expect("a list").len(),
                        usize::from(seen),
                        "check-ins: {context}"
                    );
                }
                let sql = format!("select id from check_ins where user_id = {}", owner.id);
                let id = world.count(&sql).await;
                let expected = if seen && !self.blocks(o, v) { 200 } else { 403 };
                assert_eq!(
                    viewer.get(&format!("/check-ins/{id}")).await.status,
                    expected,
                    "check-in: {context}"
                );
                let id = world
                    .count(&format!(
                        "select id from user_collections where user_id = {} and name = 'Things'",
                        owner.id
                    ))
                    .await;
                let expected = if self.can_view(o, v, collection) && !self.blocks(o, v) {
                    200
                } else {
                    403
                };
                assert_eq!(
                    viewer.get(&format!("/collections/{id}")).await.status,
                    expected,
                    "collection: {context}"
                );
            }
            let sum: i64 = here["total"].as_i64().expect("a total");
            assert_eq!(
                sum,
                i64::try_from(here["items"].as_array().expect("a list").len()).expect("few")
            );
            let count = viewer.get("/places/1/whos-here-count").await.expect(200);
            assert_eq!(count["count"], sum);
        }
    }
}

#[test]
fn the_service_agrees_with_the_rule() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let (world, people) = runtime.block_on(async {
        let world = World::new().await;
        let mut people = Vec::new();
        for name in ["Sara", "Omar", "Lina", "Noor"] {
            people.push(world.person(name).await);
        }
        world.place("Cafe", 0.0).await;
        (world, people)
    });
    let mut runner = TestRunner::new(Config {
        cases: 16,
        failure_persistence: None,
        max_shrink_iters: 40,
        ..Config::default()
    });
    let run = runner.run(&case(), |case| {
        runtime.block_on(case.check(&world, &people));
        Ok(())
    });
    if let Err(failure) = run {
        panic!("{failure}");
    }
}
