//! The feed shows what is there now: entries go and change with their causes.

use serde_json::{Value, json};

use crate::harness::{Client, World};

async fn entries(of: &Client) -> Vec<(String, Value)> {
    let feed = of.get("/activity/feed?limit=100").await.expect(200);
    let items = feed["items"].as_array().expect("a list");
    assert_eq!(
        feed["total"].as_u64(),
        u64::try_from(items.len()).ok(),
        "{feed}"
    );
    let entry = |e: &Value| {
        let kind = e["activity_type"].as_str().expect("a type");
        (kind.to_owned(), e["activity_data"].clone())
    };
    items.iter().map(entry).collect()
}

async fn kinds(of: &Client) -> Vec<String> {
    let all = entries(of).await.into_iter();
    all.map(|(kind, _)| kind).collect()
}

/// Omar, whom Sara follows, and a check-in of Lina's.
async fn people(world: &World) -> (Client, Client, Client, i64) {
    let (sara, omar, lina) = (
        world.person("Sara").await,
        world.person("Omar").await,
        world.person("Lina").await,
    );
    sara.follow(&omar).await;
    let place = world.place("Cafe", 0.0).await;
    let visit = lina.check_in(place, "public").await["id"].as_i64();
    (sara, omar, lina, visit.expect("an id"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_back_is_gone() {
    let world = World::new().await;
    let (sara, omar, lina, visit) = people(&world).await;
    let comment = omar
        .post(
            &format!("/check-ins/{visit}/comments"),
            json!({ "content": "a secret" }),
        )
        .await
        .expect(200);
    omar.follow(&lina).await;
    for _ in 0..3 {
        let like = format!("/check-ins/{visit}/like");
        omar.post(&like, Value::Null).await.expect(200);
        omar.delete(&like).await.expect(200);
    }
    let shown = entries(&sara).await;
    assert_eq!(shown[0].0, "follow");
    assert_eq!(
        shown[1],
        (
            "comment".to_owned(),
            json!({ "comment_id": comment["id"], "checkin_id": visit, "checkin_user_id": lina.id, "comment_content": "a secret" })
        )
    );
    assert_eq!(shown.len(), 2);
    // The check-in's owner takes the comment away.
    let path = format!("/check-ins/{visit}/comments/{}", comment["id"]);
    lina.delete(&path).await.expect(204);
    assert_eq!(kinds(&sara).await, ["follow"]);
    omar.delete(&format!("/follow/{}", lina.id))
        .await
        .expect(200);
    assert_eq!(kinds(&sara).await, Vec::<String>::new());
    let left = "select count(*) from activities where activity_type <> 'checkin'";
    assert_eq!(world.count(left).await, 1, "Sara's own follow");
    // A follow that a block takes away.
    omar.follow(&lina).await;
    assert_eq!(kinds(&sara).await, ["follow"]);
    lina.block(&omar).await;
    assert_eq!(kinds(&sara).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_takes_the_entries_of_the_follows_with_it() {
    let world = World::new().await;
    let (sara, omar, lina, _) = people(&world).await;
    omar.follow(&lina).await;
    lina.follow(&omar).await;
    let stored = || async {
        let sql = "select count(*) from activities where activity_type = 'follow'";
        let count = sqlx::query_scalar::<_, i64>(sql).fetch_one(&world.db);
        count.await.expect("a count")
    };
    assert_eq!(stored().await, 3);
    let block = format!("/dms/threads/{}/block", lina.id);
    omar.put(&block, json!({ "blocked": true }))
        .await
        .expect(200);
    assert_eq!(stored().await, 1, "that of Sara and Omar stays");
    let shown = kinds(&sara).await;
    assert!(!shown.contains(&"follow".to_owned()), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_is_shown_as_it_is() {
    let world = World::new().await;
    let (sara, omar, _, visit) = people(&world).await;
    let place = world.place("Other", 0.0).await;
    let own = omar.check_in(place, "public").await["id"].clone();
    let like = format!("/check-ins/{visit}/like");
    omar.post(&like, Value::Null).await.expect(200);
    for (rating, text) in [(2, "REVIEW1"), (5, "REVIEW2")] {
        let body = json!({ "rating": rating, "text": text });
        omar.post(&format!("/places/{place}/reviews"), body)
            .await
            .expect(200);
    }
    let list = omar
        .post(
            "/collections/",
            json!({ "name": "Before", "visibility": "public" }),
        )
        .await
        .expect(200);
    let path = format!("/places/check-ins/{own}");
    omar.put(&path, json!({ "note": "edited" }))
        .await
        .expect(200);
    let renamed = format!("/collections/{}", list["id"]);
    omar.call("PATCH", &renamed, Some(json!({ "name": "After" })))
        .await
        .expect(200);
    let shown = entries(&sara).await;
    let kinds: Vec<&str> = shown.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["collection", "review", "like", "checkin"]);
    let data: Vec<&Value> = shown.iter().map(|(_, data)| data).collect();
    assert_eq!(data[0]["collection_name"], "After");
    assert_eq!(
        (&data[1]["review_text"], data[1]["rating"].as_f64()),
        (&json!("REVIEW2"), Some(5.0))
    );
    assert_eq!(data[1]["place_name"], "Other");
    assert_eq!(data[2]["checkin_note"], "here");
    assert_eq!(
        (&data[3]["note"], &data[3]["place_name"]),
        (&json!("edited"), &json!("Other"))
    );
    // Hidden, then gone.
    omar.put(&path, json!({ "visibility": "private" }))
        .await
        .expect(200);
    assert_eq!(entries(&sara).await.len(), 3);
    omar.put(&path, json!({ "visibility": "friends" }))
        .await
        .expect(200);
    assert_eq!(entries(&sara).await.len(), 4);
    omar.delete(&path).await.expect(204);
    omar.delete(&renamed).await.expect(204);
    omar.delete(&format!("/places/{place}/reviews/me"))
        .await
        .expect(204);
    assert_eq!(entries(&sara).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_of_the_version_before_are_linked_and_old_ones_purged() {
    let world = World::new().await;
    let (sara, omar, lina, visit) = people(&world).await;
    world.execute("delete from activities").await;
    let id = omar.id;
    let copies = [
        format!(
            "({id}, 'comment', '{{\"comment_id\": 999, \"comment_content\": \"deleted\"}}', {visit}, now())"
        ),
        format!("({id}, 'like', '{{}}', {visit}, now())"),
        format!("({id}, 'checkin', '{{\"note\": \"old\"}}', {visit}, now())"),
        format!("({id}, 'checkin', '{{}}', {visit}, now() - interval '91 days')"),
        format!(
            "({id}, 'follow', '{{\"followee_id\": {}, \"followee_name\": \"X\"}}', null, now())",
            lina.id
        ),
    ];
    let sql = format!(
        "insert into activities (user_id, activity_type, activity_data, check_in_id, created_at) values {}",
        copies.join(", ")
    );
    world.execute(&sql).await;
    let shown = entries(&sara).await;
    assert!(
        shown
            .iter()
            .all(|(kind, data)| kind != "follow" && data["comment_content"] != "deleted")
    );
    world.execute("update job_turns set next_at = now()").await;
    world.counts("select count(*) from activities", 1).await;
    let shown = entries(&sara).await;
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0].1["note"], "here");
}
