//! One-time codes and accounts.

use serde_json::json;

use crate::harness::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_code_works_once_and_makes_the_account() {
    let world = World::new().await;
    let nobody = world.person("First").await.at(world.service.address);
    let phone = "+966 (59) 000-0001";
    let sent = nobody
        .post("/onboarding/request-otp", json!({ "phone": phone }))
        .await
        .expect(200);
    assert_eq!(sent["status"], "sent");
    let body = json!({ "phone": phone, "otp_code": sent["otp"] });
    let verified = nobody
        .post("/onboarding/verify-otp", body.clone())
        .await
        .expect(200);
    assert_eq!(verified["token_type"], "bearer");
    assert_eq!(
        (
            verified["is_new_user"].as_bool(),
            verified["user"]["is_onboarded"].as_bool()
        ),
        (Some(true), Some(false))
    );
    assert!(verified["user"]["username"].is_null() && verified["user"].get("first_name").is_some());
    nobody
        .post("/onboarding/verify-otp", body)
        .await
        .expect(400);
    assert_eq!(
        world
            .count("select count(*) from otp_codes where code_hash is null")
            .await,
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_are_capped_even_without_throttles() {
    let world = World::new().await;
    let nobody = world.person("First").await;
    let phone = "+966590000002";
    let sent = nobody
        .post("/onboarding/request-otp", json!({ "phone": phone }))
        .await
        .expect(200);
    let right = sent["otp"].as_str().unwrap().to_owned();
    let wrong = if right == "000000" {
        "111111"
    } else {
        "000000"
    };
    for _ in 0..5 {
        nobody
            .post(
                "/onboarding/verify-otp",
                json!({ "phone": phone, "otp_code": wrong }),
            )
            .await
            .expect(400);
    }
    nobody
        .post(
            "/onboarding/verify-otp",
            json!({ "phone": phone, "otp_code": right }),
        )
        .await
        .expect(400);
    // A new code makes the old one useless and works.
    let sent = nobody
        .post("/onboarding/request-otp", json!({ "phone": phone }))
        .await
        .expect(200);
    nobody
        .post(
            "/onboarding/verify-otp",
            json!({ "phone": phone, "otp_code": sent["otp"] }),
        )
        .await
        .expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_phones_codes_and_expired_ones_are_refused() {
    let world = World::new().await;
    let nobody = world.person("First").await;
    nobody
        .post("/onboarding/request-otp", json!({ "phone": "12345" }))
        .await
        .expect(400);
    // However long it is, a phone is judged by what is left of it.
    let endless = "5".repeat(400);
    let body = json!({ "phone": endless });
    nobody
        .post("/onboarding/request-otp", body)
        .await
        .expect(400);
    let body = json!({ "phone": endless, "otp_code": "123456" });
    nobody
        .post("/onboarding/verify-otp", body)
        .await
        .expect(400);
    let spaced = format!("+966 59{}0000003", " ".repeat(40));
    nobody
        .post("/onboarding/request-otp", json!({ "phone": spaced }))
        .await
        .expect(200);
    let short = json!({ "phone": "+966590000003", "otp_code": "123" });
    assert_eq!(
        nobody
            .post("/onboarding/verify-otp", short)
            .await
            .expect_invalid(),
        ["body", "otp_code"]
    );
    let sent = nobody
        .post(
            "/onboarding/request-otp",
            json!({ "phone": "+966590000003" }),
        )
        .await
        .expect(200);
    world
        .execute("update otp_codes set expires_at = now() - interval '1 second'")
        .await;
    nobody
        .post(
            "/onboarding/verify-otp",
            json!({ "phone": "+966590000003", "otp_code": sent["otp"] }),
        )
        .await
        .expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn throttles_hold_across_two_tasks() {
    let world = World::new().await;
    world.person("First").await;
    let on = [
        ("APP_OTP_RATE_LIMIT_ENABLED", "true"),
        ("APP_OTP_REQUESTS_PER_MINUTE", "3"),
    ];
    let (one, two) = (world.second(&on).await, world.second(&on).await);
    let (one, two) = (one.client(), two.client());
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let ask = json!({ "phone": "+966590000004" });
    one.post("/onboarding/request-otp", ask.clone())
        .await
        .expect(200);
    let refused = two.post("/onboarding/request-otp", ask).await;
    assert!(refused.headers.contains_key("retry-after"));
    refused.expect(429);
    let guess = json!({ "phone": "+966590000004", "otp_code": "000000" });
    for caller in [&one, &two, &one] {
        assert_ne!(
            caller
                .post("/onboarding/verify-otp", guess.clone())
                .await
                .status,
            429
        );
    }
    two.post("/onboarding/verify-otp", guess).await.expect(429);
}

#[tokio::test(flavor = "multi_thread")]
async fn usernames_ignore_case_and_interests_are_deduped() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    let omar = world.person("Omar").await;
    let mut body = json!({ "first_name": "Sara", "last_name": "A", "username": "Sara_A", "interests": ["Tea", "tea", " Tea "] });
    let done = sara
        .post("/onboarding/complete-setup", body.clone())
        .await
        .expect(200);
    assert_eq!(
        (
            done["user"]["name"].as_str(),
            done["user"]["is_onboarded"].as_bool()
        ),
        (Some("Sara A"), Some(true))
    );
    body["username"] = json!("sARA_a");
    omar.post("/onboarding/complete-setup", body.clone())
        .await
        .expect(400);
    body["username"] = json!("no spaces");
    omar.post("/onboarding/complete-setup", body.clone())
        .await
        .expect(400);
    body["first_name"] = json!("  ");
    let blank = omar.post("/onboarding/complete-setup", body).await;
    assert_eq!(blank.expect_invalid(), ["body", "first_name"]);
    let check = async |name: &str| {
        omar.post("/onboarding/check-username", json!({ "username": name }))
            .await
    };
    assert_eq!(check("SARA_A").await.expect(200)["available"], false);
    assert_eq!(check("bad-name").await.expect(200)["available"], false);
    assert_eq!(check("good_name").await.expect(200)["available"], true);
    assert_eq!(check("ab").await.expect_invalid(), ["body", "username"]);
    let status = sara.get("/onboarding/status").await.expect(200);
    assert_eq!(
        (
            status["user"]["interests"].clone(),
            status["onboarding_complete"].as_bool()
        ),
        (json!(["Tea"]), Some(true))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_hears_of_all_its_problems_at_once() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    let body = json!({ "username": "a", "interests": ["books", 7], "first_name": "" });
    let answer = sara.post("/onboarding/complete-setup", body).await;
    let mut told: Vec<String> = answer.expect(422)["detail"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|issue| format!("{} {}", issue["loc"], issue["type"].as_str().unwrap_or("")))
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            r#"["body","first_name"] string_too_short"#,
            r#"["body","interests",1] string_type"#,
            r#"["body","last_name"] missing"#,
            r#"["body","username"] string_too_short"#,
        ]
    );
    let answer = sara.get("/places/nearby?lat=95&limit=0").await.expect(422);
    assert_eq!(
        answer["detail"].as_array().map(Vec::len),
        Some(3),
        "{answer}"
    );
}
