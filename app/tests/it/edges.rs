//! What clients of the former service rely on at the edges: how values may be written, and how what is no request is refused.

use serde_json::{Value, json};

use crate::harness::World;

#[tokio::test(flavor = "multi_thread")]
async fn truths_are_told_in_many_words() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    for word in ["true", "True", "1", "yes", "ON", "t", "y", "0", "No", "off"] {
        sara.get(&format!(
            "/dms/inbox?include_archived={word}&only_pinned={word}"
        ))
        .await
        .expect(200);
    }
    let refused = sara.get("/dms/inbox?only_pinned=2").await;
    assert_eq!(refused.expect_invalid(), ["query", "only_pinned"]);
    let place = world.place("Cafe", 0.0).await;
    let check_in = sara.check_in(place, "public").await;
    let comments = format!("/check-ins/{}/comments", check_in["id"]);
    sara.get(&format!("{comments}?threaded=1"))
        .await
        .expect(200);
    let settings = json!({ "likes": "off", "marketing": 1 });
    let set = sara.put("/settings/notifications", settings).await;
    let set = set.expect(200);
    assert_eq!(
        (&set["likes"], &set["marketing"]),
        (&json!(false), &json!(true))
    );
    let omar = world.person("Omar").await;
    let thread = sara.thread_with(&omar).await;
    let muted = sara
        .put(
            &format!("/dms/threads/{thread}/mute"),
            json!({ "muted": "yes" }),
        )
        .await
        .expect(200);
    assert_eq!(muted, json!({ "muted": true }));
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_may_come_as_text() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    let place = world.place("Cafe", 0.0).await;
    let body =
        json!({ "place_id": place.to_string(), "latitude": "24.7136", "longitude": "46.6753" });
    let made = sara.post("/places/check-ins", body).await.expect(200);
    assert_eq!(made["place_id"], place);
    let review = json!({ "rating": "4" });
    sara.post(&format!("/places/{place}/reviews"), review)
        .await
        .expect(200);
    let search = json!({ "limit": 5.0, "offset": "0" });
    sara.post("/users/search", search).await.expect(200);
    for (body, kind) in [
        (json!({ "limit": 5.5 }), "int_from_float"),
        (json!({ "limit": "five" }), "int_parsing"),
        (json!({ "limit": [] }), "int_type"),
        (json!({ "limit": 1_000 }), "less_than_equal"),
    ] {
        let told = sara.post("/users/search", body.clone()).await.expect(422);
        assert_eq!(told["detail"][0]["type"], kind, "{body}");
    }
    let told = sara.post("/users/search", json!({ "has_avatar": "perhaps" }));
    assert_eq!(told.await.expect(422)["detail"][0]["type"], "bool_parsing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_body_is_refused_and_the_longest_is_not() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    let padded = |size: usize| {
        let body = json!({ "username": "sara_x", "more": "" });
        json!({ "username": "sara_x", "more": "x".repeat(size - body.to_string().len()) })
    };
    const LIMIT: usize = 1024 * 1024;
    sara.post("/onboarding/check-username", padded(LIMIT))
        .await
        .expect(200);
    let refused = sara
        .post("/onboarding/check-username", padded(LIMIT + 1))
        .await
        .expect(413);
    assert!(refused["detail"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_configured_origins_may_read_answers() {
    let world = World::with(&[("APP_CORS_ALLOWED_ORIGINS", "https://app.example")]).await;
    let nobody = world.nobody();
    let ask = |origin: &'static str| {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://{}/users/me", world.service.address);
        http.request(reqwest::Method::OPTIONS, url)
            .header("origin", origin)
            .header("access-control-request-method", "PUT")
            .header("access-control-request-headers", "authorization,x-own")
            .send()
    };
    let preflight = ask("https://app.example").await.unwrap();
    assert!(preflight.status().is_success(), "{}", preflight.status());
    let header = |name: &str| {
        let value = preflight.headers().get(name);
        value.map_or("", |v| v.to_str().unwrap()).to_lowercase()
    };
    assert_eq!(header("access-control-allow-origin"), "https://app.example");
    assert_eq!(header("access-control-allow-credentials"), "true");
    assert_eq!(header("access-control-max-age"), "600");
    assert!(header("access-control-allow-methods").contains("put"));
    assert!(header("access-control-allow-headers").contains("x-own"));
    let foreign = ask("https://evil.example").await.unwrap();
    let allowed = foreign.headers().get("access-control-allow-origin");
    assert!(allowed.is_none(), "{allowed:?}");
    let answer = nobody.get_with("/health", "origin", "https://app.example");
    let answer = answer.await;
    assert_eq!(
        answer.headers["access-control-allow-origin"],
        "https://app.example"
    );
    assert_eq!(answer.headers["access-control-allow-credentials"], "true");
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_no_debug_routes_in_debug_or_outside() {
    let world = World::new().await;
    let outside = world
        .second(&[("APP_DEBUG", "false"), ("APP_SMS_SENDER", "sns")])
        .await;
    for service in [&world.service, &outside] {
        for path in ["/debug/config", "/debug/foursquare-test", "/debug/users"] {
            let answer = service.client().get(path).await.expect(404);
            assert!(answer["detail"].as_str().unwrap().contains("not found"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_paths_refuse_plain_requests_in_json() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    for path in ["/ws/dms/1", "/ws/user/1", "/ws/places/1/chat"] {
        let plain = sara.get(path).await.expect(400);
        assert!(plain["detail"].as_str().unwrap().contains("WebSocket"));
        let wrong = sara.post(path, Value::Null).await.expect(405);
        assert!(wrong["detail"].is_string(), "{wrong}");
    }
    let invalid = sara.get("/ws/dms/first").await;
    assert_eq!(invalid.expect_invalid(), ["path", "thread_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn throttles_count_by_the_address_our_own_proxy_saw() {
    let world = World::with(&[
        ("APP_OTP_RATE_LIMIT_ENABLED", "true"),
        ("APP_OTP_REQUESTS_PER_MINUTE", "2"),
    ])
    .await;
    let guess = async |hops: &str| {
        let body = json!({ "phone": "+966501231231", "otp_code": "000000" });
        let nobody = world.nobody();
        let answer = nobody.post_with("/onboarding/verify-otp", "x-forwarded-for", hops, body);
        answer.await.status
    };
    assert_eq!(guess("1.1.1.1, 9.9.9.9").await, 400);
    assert_eq!(guess("2.2.2.2, 9.9.9.9").await, 400);
    assert_eq!(
        guess("3.3.3.3, 9.9.9.9").await,
        429,
        "what the caller wrote before it does not count"
    );
    assert_eq!(guess("1.1.1.1, 8.8.8.8").await, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_says_when_migrations_are_missing() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    sara.becomes_ready(200).await;
    world
        .execute("delete from _sqlx_migrations where version = (select max(version) from _sqlx_migrations)")
        .await;
    let told = sara.becomes_ready(503).await;
    assert_eq!(
        (&told["database"], &told["migrations"], &told["ready"]),
        (&json!(true), &json!(false), &json!(false))
    );
    sara.get("/health").await.expect(200);
}
