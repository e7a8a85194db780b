//! Finding places.

use serde_json::{Value, json};

use crate::harness::World;

fn names(page: &Value) -> Vec<&str> {
    page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["name"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ways_to_measure_find_the_same() {
    let world = World::new().await;
    let flat = world.second(&[("APP_USE_POSTGIS", "false")]).await;
    let sara = world.person("Sara").await;
    for (name, metres) in [
        ("Here", 0.0),
        ("Near", 900.0),
        ("Far", 4800.0),
        ("Too far", 5200.0),
    ] {
        world.place(name, metres).await;
    }
    world
        .execute("insert into places (name) values ('Nowhere')")
        .await;
    for caller in [sara.clone(), sara.at(flat.address)] {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let found = caller
            .get("/places/search?lat=24.7136&lng=46.6753")
            .await
            .expect(200);
        assert_eq!(
            (names(&found), found["total"].as_i64()),
            (vec!["Here", "Near", "Far"], Some(3))
        );
        let metres = found["items"][1]["distance_meters"].as_f64().unwrap();
        assert!((metres - 900.0).abs() < 9.0, "{metres}");
        let close = caller
            .get("/places/nearby?lat=24.7136&lng=46.6753")
            .await
            .expect(200);
        assert_eq!(
            (names(&close), close["limit"].as_i64()),
            (vec!["Here", "Near"], Some(3))
        );
        let body =
            json!({ "latitude": 24.7136, "longitude": 46.6753, "radius_km": 1, "sort_by": "name" });
        let advanced = caller
            .post("/places/search/advanced", body)
            .await
            .expect(200);
        assert_eq!(names(&advanced), ["Here", "Near"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn text_and_area_filters() {
    let world = World::new().await;
    let nobody = world.person("Sara").await;
    world.place("Blue Door", 0.0).await;
    world.place("100% Juice", 0.0).await;
    world
        .execute("update places set city = 'Jeddah', rating = 4.5 where name like '100%'")
        .await;
    for (query, expected) in [
        ("q=blue", vec!["Blue Door"]),
        ("query=BLUE", vec!["Blue Door"]),
        ("q=100%25", vec!["100% Juice"]),
        ("q=_", vec![]),
        ("city=jeddah", vec!["100% Juice"]),
        ("category=coffee", vec!["100% Juice", "Blue Door"]),
        ("rating_min=4", vec!["100% Juice"]),
        ("neighborhood=olaya&limit=1", vec!["100% Juice"]),
    ] {
        let found = nobody
            .get(&format!("/places/search?{query}"))
            .await
            .expect(200);
        assert_eq!(names(&found), expected, "{query}");
    }
    let words = nobody
        .get("/places/search/suggestions?q=j")
        .await
        .expect(200);
    assert_eq!(
        words["cities"],
        json!([{ "type": "city", "value": "Jeddah", "count": 1 }])
    );
    let words = nobody
        .get("/places/search/suggestions?query=coffee")
        .await
        .expect(200);
    assert_eq!(words["categories"][0]["count"], 2);
    nobody.get("/places/search?lat=1").await.expect_invalid();
    let place = nobody.get("/places/search?q=blue").await.expect(200)["items"][0].clone();
    assert_eq!(
        (
            place["primary_category"].as_str(),
            place["recent_checkins_count"].as_i64()
        ),
        (Some("Cafe"), Some(0))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn trending_follows_its_table() {
    let world = World::new().await;
    let off = world
        .second(&[("APP_FSQ_TRENDING_OVERRIDE", "false")])
        .await;
    let (sara, omar) = (world.person("Sara").await, world.person("Omar").await);
    let busy = world.place("Busy", 100.0).await;
    let quiet = world.place("Quiet", 0.0).await;
    let away = world.place("Away", 9000.0).await;
    world.place("Empty", 0.0).await;
    sara.check_in(busy, "public").await;
    omar.check_in(busy, "public").await;
    sara.check_in(quiet, "public").await;
    omar.check_in(quiet, "private").await;
    omar.post(&format!("/places/{away}/reviews"), json!({ "rating": 4 }))
        .await
        .expect(200);
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    // Override on, no key: nothing without a location; the radius around a point; the city by name.
    assert_eq!(sara.get("/places/trending").await.expect(200)["total"], 0);
    let near = sara
        .get("/places/trending?lat=24.7136&lng=46.6753")
        .await
        .expect(200);
    assert_eq!(
        (names(&near), near["total"].as_i64()),
        (vec!["Quiet", "Busy"], Some(2))
    );
    let city = sara.get("/places/trending?city=riy").await.expect(200);
    assert_eq!(names(&city), ["Busy", "Quiet", "Away"]);
    assert_eq!(city["items"][0]["recent_checkins_count"], 2);
    assert_eq!(
        city["items"][1]["recent_checkins_count"], 1,
        "private presence is not counted"
    );
    assert_eq!(
        names(
            &sara
                .get("/places/trending?city=riyadh&limit=1&offset=1")
                .await
                .expect(200)
        ),
        ["Quiet"]
    );
    let all = sara
        .at(off.address)
        .get("/places/trending")
        .await
        .expect(200);
    assert_eq!(names(&all), ["Busy", "Quiet", "Away"]);
    assert_eq!(
        names(&sara.get("/places/trending/global").await.expect(200)).len(),
        3
    );
    for bad in ["time_window=2h", "price_budget=cheap"] {
        sara.get(&format!("/places/trending?city=riyadh&{bad}"))
            .await
            .expect(400);
    }
    assert_eq!(
        sara.get("/places/trending?city=riyadh&price_budget=$$")
            .await
            .expect(200)["total"],
        3
    );
    assert_eq!(
        sara.get("/places/trending?city=riyadh&price_budget=$")
            .await
            .expect(200)["total"],
        0
    );
    world
        .execute("update check_ins set created_at = now() - interval '3 hours'")
        .await;
    assert_eq!(
        names(
            &sara
                .get("/places/trending?city=riyadh&time_window=1h")
                .await
                .expect(200)
        ),
        ["Away"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whos_here_is_one_entry_a_person_as_far_as_seen() {
    let world = World::new().await;
    let (sara, omar, lina) = (
        world.person("Sara").await,
        world.person("Omar").await,
        world.person("Lina").await,
    );
    let place = world.place("Cafe", 0.0).await;
    sara.check_in(place, "public").await;
    world
        .execute("update check_ins set created_at = created_at - interval '1 hour'")
        .await;
    let latest = sara.check_in(place, "public").await;
    omar.check_in(place, "friends").await;
    // A blank name is none.
    let named = sara.put("/users/me", json!({ "name": " " })).await;
    assert_eq!(named.expect(200)["name"], json!(null));
    let path = format!("/places/{place}/whos-here");
    let here = lina.get(&path).await.expect(200);
    assert_eq!(
        (here["total"].as_i64(), &here["items"][0]["check_in_id"]),
        (Some(1), &latest["id"])
    );
    assert_eq!(here["items"][0]["user_name"], format!("User {}", sara.id));
    lina.follow(&omar).await;
    assert_eq!(lina.get(&path).await.expect(200)["total"], 2);
    assert_eq!(
        lina.get(&format!("{path}-count")).await.expect(200),
        json!({ "count": 2, "place_id": place })
    );
    lina.get("/places/999/whos-here").await.expect(404);
    // A room with nobody to be seen in it looks empty.
    let quiet = world.place("Quiet", 0.0).await;
    omar.check_in(quiet, "private").await;
    let room = format!("/places/{quiet}/chat/room");
    assert_eq!(lina.get(&room).await.expect(200)["is_active"], false);
    assert_eq!(omar.get(&room).await.expect(200)["is_active"], true);
    lina.get("/places/0").await.expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn recommendations_come_from_people_and_interests() {
    let world = World::new().await;
    let (sara, omar) = (world.person("Sara").await, world.person("Omar").await);
    let liked = world.place("Liked", 0.0).await;
    world.place("Plain", 0.0).await;
    let chess = world.place("Chess", 0.0).await;
    world
        .execute(&format!(
            "update places set categories = 'Chess Club' where id = {chess}"
        ))
        .await;
    sara.follow(&omar).await;
    omar.check_in(liked, "public").await;
    omar.check_in(chess, "private").await;
    sara.post("/users/me/interests", json!({ "name": "chess" }))
        .await
        .expect(200);
    let best = sara.get("/places/recommendations").await.expect(200);
    assert_eq!(
        (names(&best), best["total"].as_i64()),
        (vec!["Liked", "Chess", "Plain"], Some(3))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_sources_that_are_off_answer_emptily() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    world.place("Blue Cafe", 0.0).await;
    assert_eq!(
        sara.get("/places/external/suggestions?query=cafe")
            .await
            .expect(200),
        json!([])
    );
    let near = sara
        .get("/places/external/suggestions?query=cafe&lat=24.7136&lon=46.6753")
        .await
        .expect(200);
    assert_eq!(near[0]["name"], "Blue Cafe");
    // Ranked by what is known of them, pictures among it.
    let enhanced = "/places/search/enhanced?lat=24.7136&lon=46.6753";
    let bare = sara.get(enhanced).await.expect(200);
    world
        .execute("update places set photo_url = 'https://pictures.example/1.png'")
        .await;
    let pictured = sara.get(enhanced).await.expect(200);
    assert_eq!(
        (&bare[0]["quality_score"], &pictured[0]["quality_score"]),
        (&json!(0.0), &json!(0.2))
    );
    sara.get("/places/external/suggestions")
        .await
        .expect_invalid();
    let none = sara
        .get("/places/external/search?lat=1&lon=1")
        .await
        .expect(200);
    assert_eq!(
        (none["count"].as_i64(), none["snapshot_id"].is_null()),
        (Some(0), true)
    );
    let cities = sara.get("/lookups/cities?limit=2").await.expect(200);
    assert_eq!(
        (cities[0]["name"].as_str(), cities.as_array().unwrap().len()),
        (Some("Riyadh"), 2)
    );
}
