//! 403 without a token, 401 with a bad one, decided before the body is read; and the shapes of errors.

use serde_json::json;

use crate::harness::World;

#[tokio::test(flavor = "multi_thread")]
async fn missing_is_403_bad_is_401_and_both_before_the_body() {
    let world = World::new().await;
    let mut caller = world.person("Sara").await;
    let good = caller.token.take();
    for path in ["/users/me/avatar", "/places/check-ins", "/dms/requests"] {
        let answer = caller.raw_post(path, "{not json").await;
        assert_eq!(
            (answer.status, answer.body["detail"].as_str()),
            (403, Some("Not authenticated")),
            "{path}"
        );
    }
    caller.token = Some("not.a.token".to_owned());
    let answer = caller.raw_post("/places/check-ins", "{not json").await;
    assert_eq!(answer.headers["www-authenticate"], "Bearer");
    answer.expect(401);
    caller.token = None;
    caller
        .get_with("/auth/me", "authorization", "Basic abc")
        .await
        .expect(403);
    caller.token = good;
    caller
        .raw_post("/places/check-ins", "{not json")
        .await
        .expect_invalid();
    world
        .execute(&format!(
            "update users set is_verified = false where id = {}",
            caller.id
        ))
        .await;
    caller.get("/auth/me").await.expect(401);
    world
        .execute(&format!("delete from users where id = {}", caller.id))
        .await;
    caller.get("/auth/me").await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_key_keeps_everybody_logged_in() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    let old = "a jwt secret only tests may use, 32++";
    let new = [("APP_JWT_SECRET_KEY", "another jwt secret for tests, 32++++")];
    let stranger = world.second(&new).await;
    let rotated = world
        .second(&[new[0], ("APP_JWT_SECRET_KEY_PREVIOUS", old)])
        .await;
    rotated.client().sign_up("Omar").await;
    sara.at(rotated.address).get("/auth/me").await.expect(200);
    stranger.client().sign_up("Lina").await;
    sara.at(stranger.address).get("/auth/me").await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_have_the_shapes_clients_parse() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    let answer = sara.get("/no/such/path").await;
    assert!(
        answer.body["detail"]
            .as_str()
            .unwrap()
            .contains("not found")
    );
    assert_eq!(answer.headers["x-request-id"].len(), 36);
    answer.expect(404);
    let answer = sara.call("PATCH", "/health", None).await;
    assert!(answer.body["detail"].is_string());
    answer.expect(405);
    assert_eq!(
        sara.get("/places/abc").await.expect_invalid(),
        ["path", "place_id"]
    );
    assert_eq!(
        sara.get("/places/search?limit=0").await.expect_invalid(),
        ["query", "limit"]
    );
    assert_eq!(
        sara.get("/places/nearby?lng=1").await.expect_invalid(),
        ["query", "lat"]
    );
    assert_eq!(
        sara.post("/places/check-ins", json!({}))
            .await
            .expect_invalid(),
        ["body", "place_id"]
    );
    let loc = sara
        .put("/settings/privacy", json!({ "dm_privacy": "x" }))
        .await
        .expect_invalid();
    assert_eq!(loc, ["body", "dm_privacy"]);
    assert_eq!(
        sara.get("/places/999999").await.expect(404)["detail"],
        "Place not found"
    );
    let echoed = sara
        .get_with("/health", "x-request-id", "from-the-client.1")
        .await;
    assert_eq!(echoed.headers["x-request-id"], "from-the-client.1");
    sara.get("/places/search?q=a%00b").await.expect_invalid();
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_guarded_outside_debug_and_name_routes_by_template() {
    let settings = [
        ("APP_DEBUG", "false"),
        ("APP_SMS_SENDER", "sns"),
        ("APP_OTP_ECHO", "true"),
    ];
    let world = World::with(&settings).await;
    let sara = world.person("Sara").await;
    sara.get("/metrics").await.expect(403);
    sara.get("/places/12345").await.expect(404);
    sara.get("/raw/unknown/path").await.expect(404);
    let text = sara
        .get_with("/metrics", "x-metrics-token", "metrics-token")
        .await
        .text;
    assert!(
        text.contains(
            r#"http_requests_total{method="GET",route="/places/{place_id}",status="404"} 1"#
        ),
        "{text}"
    );
    assert!(
        text.contains(r#"route="unmatched""#) && !text.contains("/raw/unknown"),
        "{text}"
    );
    assert!(
        text.contains("http_request_duration_seconds_bucket"),
        "{text}"
    );
}
