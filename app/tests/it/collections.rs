//! Collections, saved places, reviews.

use serde_json::{Value, json};

use crate::harness::{World, png};

#[tokio::test(flavor = "multi_thread")]
async fn favorites_are_made_once_and_lists_agree() {
    let world = World::new().await;
    let (sara, omar) = (world.person("Sara").await, world.person("Omar").await);
    let first = sara.get("/collections/").await.expect(200);
    assert_eq!(
        (first[0]["name"].as_str(), first[0]["visibility"].as_str()),
        (Some("Favorites"), Some("private"))
    );
    let id = &first[0]["id"];
    assert_eq!(
        &sara.get(&format!("/collections/{id}")).await.expect(200)["id"],
        id
    );
    let made = sara
        .post(
            "/collections/",
            json!({ "name": " Walks ", "visibility": "followers" }),
        )
        .await
        .expect(200);
    assert_eq!(
        (
            made["name"].as_str(),
            made["visibility"].as_str(),
            made["is_public"].as_bool()
        ),
        (Some("Walks"), Some("friends"), Some(false))
    );
    sara.post("/collections/", json!({ "name": "wALKS" }))
        .await
        .expect(400);
    sara.post("/collections/", json!({ "name": "   " }))
        .await
        .expect(400);
    let ids = |list: Value| -> Vec<i64> {
        list.as_array()
            .unwrap()
            .iter()
            .map(|c| c["id"].as_i64().unwrap())
            .collect()
    };
    let own = ids(sara.get("/collections").await.expect(200));
    assert_eq!(
        own,
        ids(sara
            .get(&format!("/users/{}/collections", sara.id))
            .await
            .expect(200))
    );
    assert_eq!(
        own,
        ids(sara.get("/collections/paginated").await.expect(200)["items"].clone())
    );
    let path = format!("/collections/{}", made["id"]);
    omar.get(&path).await.expect(403);
    omar.follow(&sara).await;
    omar.get(&path).await.expect(200);
    let mine = json!({ "name": "Mine", "is_public": true });
    omar.put(&path, mine).await.expect(403);
    omar.delete(&path).await.expect(403);
    assert_eq!(
        ids(omar
            .get(&format!("/users/{}/collections", sara.id))
            .await
            .expect(200))
        .len(),
        1
    );
    sara.get("/collections/99999").await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn saving_moves_and_keeps_the_collection_in_step() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    let place = world.place("Cafe", 0.0).await;
    let saved = sara
        .post("/places/saved", json!({ "place_id": place }))
        .await
        .expect(200);
    assert_eq!(
        (saved["list_name"].as_str(), saved["place"]["name"].as_str()),
        (Some("Favorites"), Some("Cafe"))
    );
    let moved = sara
        .post(
            "/places/saved",
            json!({ "place_id": place, "list_name": "Trips" }),
        )
        .await
        .expect(200);
    assert_eq!(
        (&moved["id"], moved["list_name"].as_str()),
        (&saved["id"], Some("Trips"))
    );
    let items = |id: &Value| format!("/collections/{id}/items");
    assert_eq!(
        sara.get(&items(&saved["collection_id"])).await.expect(200)["total"],
        0
    );
    assert_eq!(
        sara.get(&items(&moved["collection_id"])).await.expect(200)["items"][0]["place_id"],
        place
    );
    assert_eq!(
        sara.get("/places/saved/collections").await.expect(200),
        json!(["Trips"])
    );
    assert_eq!(
        sara.get("/places/saved/collections/%20trips%20")
            .await
            .expect(200)["count"],
        1
    );
    sara.get("/places/saved/collections/none").await.expect(404);
    let renamed = json!({ "name": "Journeys", "is_public": true });
    sara.put(&format!("/collections/{}", moved["collection_id"]), renamed)
        .await
        .expect(200);
    assert_eq!(
        sara.get("/places/saved/me?collection=journeys")
            .await
            .expect(200)["total"],
        1
    );
    sara.delete(&format!("/places/saved/{place}?collection_name=Favorites"))
        .await
        .expect(404);
    sara.delete(&format!("/places/saved/{place}"))
        .await
        .expect(204);
    sara.delete(&format!("/places/saved/{place}"))
        .await
        .expect(404);
    assert_eq!(
        sara.get(&items(&moved["collection_id"])).await.expect(200)["total"],
        0
    );
    sara.post("/places/saved", json!({ "place_id": 99999 }))
        .await
        .expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_in_adds_its_place() {
    let world = World::new().await;
    let (sara, omar) = (world.person("Sara").await, world.person("Omar").await);
    let place = world.place("Cafe", 0.0).await;
    let (mine, theirs) = (
        sara.check_in(place, "public").await,
        omar.check_in(place, "public").await,
    );
    let id = sara
        .post("/collections/", json!({ "name": "Been" }))
        .await
        .expect(200)["id"]
        .clone();
    let added = sara
        .post(
            &format!("/collections/{id}/items/{}", mine["id"]),
            Value::Null,
        )
        .await
        .expect(200);
    assert_eq!(
        (added["place_id"].as_i64(), &added["check_in_id"]),
        (Some(place), &mine["id"])
    );
    sara.post(
        &format!("/collections/{id}/items/{}", mine["id"]),
        Value::Null,
    )
    .await
    .expect(400);
    sara.post(
        &format!("/collections/{id}/items/{}", theirs["id"]),
        Value::Null,
    )
    .await
    .expect(403);
    sara.post(&format!("/collections/{id}/items/9999"), Value::Null)
        .await
        .expect(404);
    omar.post(
        &format!("/collections/{id}/items/{}", theirs["id"]),
        Value::Null,
    )
    .await
    .expect(403);
    sara.delete(&format!("/collections/{id}/items/{}", added["id"]))
        .await
        .expect(204);
    sara.delete(&format!("/collections/{id}")).await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_places_rating_is_the_mean_of_its_reviews() {
    let world = World::new().await;
    let (sara, omar) = (world.person("Sara").await, world.person("Omar").await);
    let place = world.place("Cafe", 0.0).await;
    let path = format!("/places/{place}/reviews");
    let (one, two) = tokio::join!(
        sara.post(&path, json!({ "rating": 5 })),
        omar.post(&path, json!({ "rating": 1, "text": "meh" }))
    );
    one.expect(200);
    let first = two.expect(200);
    let second = omar.post(&path, json!({ "rating": 3 })).await.expect(200);
    assert_eq!(first["id"], second["id"]);
    let stats = omar
        .get(&format!("/places/{place}/stats"))
        .await
        .expect(200);
    assert_eq!(
        (
            stats["average_rating"].as_f64(),
            stats["reviews_count"].as_i64()
        ),
        (Some(4.0), Some(2))
    );
    assert_eq!(
        omar.get(&format!("/places/{place}")).await.expect(200)["rating"],
        4.0
    );
    omar.delete(&format!("{path}/me")).await.expect(204);
    omar.delete(&format!("{path}/me")).await.expect(404);
    sara.delete(&format!("{path}/me")).await.expect(204);
    assert!(omar.get(&format!("/places/{place}")).await.expect(200)["rating"].is_null());
    assert_eq!(
        omar.post(&path, json!({ "rating": 6 }))
            .await
            .expect_invalid(),
        ["body", "rating"]
    );
    omar.post("/places/9999/reviews", json!({ "rating": 1 }))
        .await
        .expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photos_caption_comes_in_the_form_or_in_the_query() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    let place = world.place("Cafe", 0.0).await;
    let review = sara
        .post(&format!("/places/{place}/reviews"), json!({ "rating": 4 }))
        .await
        .expect(200);
    let path = format!("/places/reviews/{}/photos", review["id"]);
    for (query, texts, expected) in [
        ("", vec![], json!(null)),
        ("?caption=asked", vec![], json!("asked")),
        ("", vec![("caption", "told".to_owned())], json!("told")),
        (
            "?caption=asked",
            vec![("caption", "told".to_owned())],
            json!("told"),
        ),
    ] {
        let photo = sara
            .upload(&format!("{path}{query}"), "file", png(), &texts)
            .await
            .expect(200);
        assert_eq!(photo["caption"], expected, "{query} {texts:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_is_replaced_whole_and_renamed_in_the_older_form() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    let made = json!({ "name": "Walks", "description": "by the sea" });
    let made = sara.post("/collections/", made).await.expect(200);
    let path = format!("/collections/{}", made["id"]);
    for (body, missing) in [
        (json!({ "is_public": true }), "name"),
        (json!({ "name": "Long walks" }), "is_public"),
    ] {
        let told = sara.put(&path, body).await.expect_invalid();
        assert_eq!(told, ["body", missing]);
    }
    let whole = json!({ "name": "Long walks", "is_public": false });
    let whole = sara.put(&path, whole).await.expect(200);
    assert_eq!(
        (&whole["name"], &whole["visibility"], &whole["description"]),
        (
            &json!("Long walks"),
            &json!("private"),
            &json!("by the sea")
        )
    );
    let patch = async |body: Value| sara.call("PATCH", &path, Some(body)).await;
    let nameless = patch(json!({ "visibility": "public" })).await;
    assert_eq!(nameless.expect_invalid(), ["body", "name"]);
    let renamed = patch(json!({ "name": "Walks" })).await.expect(200);
    assert_eq!(
        (&renamed["name"], &renamed["visibility"]),
        (&json!("Walks"), &json!("private"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_shows_a_picture_more_than_the_collection() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    let made = json!({ "name": "Walks" });
    let made = sara.post("/collections/", made).await.expect(200);
    for n in 0..5 {
        let place = world.place(&format!("Place {n}"), f64::from(n)).await;
        let picture =
            format!("update places set photo_url = 'https://p.example/{n}.jpg' where id = {place}");
        world.execute(&picture).await;
        sara.post(
            &format!("/collections/{}/places/{place}", made["id"]),
            Value::Null,
        )
        .await
        .expect(200);
    }
    let count = |list: &Value, field: &str| {
        let walks = list.as_array().unwrap().iter();
        let walks = walks.filter(|c| c["name"] == "Walks").collect::<Vec<_>>();
        walks[0][field].as_array().unwrap().len()
    };
    let short = sara.get("/collections/summary").await.expect(200);
    assert_eq!(count(&short, "photos"), 4);
    let long = sara.get("/collections/").await.expect(200);
    assert_eq!(count(&long, "photo_urls"), 3);
}
