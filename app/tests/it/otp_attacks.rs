//! Attacks on one-time codes: guessing, many addresses, many at once, several tasks, and what refusals give away.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{Client, World};

const REQUEST: &str = "/onboarding/request-otp";
const VERIFY: &str = "/onboarding/verify-otp";

/// The caps a deployment has when it sets none; the tests' own settings raise some of them.
const DEFAULTS: [(&str, &str); 5] = [
    ("APP_OTP_CODES_PER_ADDRESS_HOUR", "20"),
    ("APP_OTP_CODES_PER_ADDRESS_DAY", "100"),
    ("APP_OTP_GUESSES_PER_ADDRESS_HOUR", "100"),
    ("APP_OTP_CODES_PER_TASK_MINUTE", "60"),
    ("APP_OTP_GUESSES_PER_TASK_MINUTE", "300"),
];

fn address(n: usize) -> String {
    format!("10.{}.{}.{}", n / 65_536, n / 256 % 256, n % 256)
}

async fn request(caller: &Client, phone: &str, from: &str) -> (u16, Value) {
    let body = json!({ "phone": phone });
    let answer = caller
        .post_with(REQUEST, "x-forwarded-for", from, body)
        .await;
    (answer.status, answer.body)
}

async fn guess(caller: &Client, phone: &str, code: &str, from: &str) -> (u16, Value) {
    let body = json!({ "phone": phone, "otp_code": code });
    let answer = caller
        .post_with(VERIFY, "x-forwarded-for", from, body)
        .await;
    (answer.status, answer.body)
}

fn other_than(code: &Value) -> &'static str {
    if code == "000000" { "111111" } else { "000000" }
}

/// Guesses of live codes that were looked at: each raised the attempts of a code.
async fn looked_at(world: &World, phone: &str) -> i64 {
    let sql = format!("select count(*) from otp_hits where key = 'guess phone {phone}'");
    world.count(&sql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_of_requests_and_guesses_ends_whatever_the_address_and_the_task() {
    let world = World::new().await;
    world.person("First").await;
    let second = world.second(&[]).await;
    let tasks = [world.nobody(), second.client()];
    let phone = "+966590100001";
    for round in 0..30 {
        let caller = &tasks[round % 2];
        let (status, sent) = request(caller, phone, &address(round)).await;
        assert!([200, 429].contains(&status), "{sent}");
        for n in 0..5 {
            let from = address(1000 + round * 5 + n);
            let (status, told) = guess(caller, phone, other_than(&sent["otp"]), &from).await;
            assert_eq!(status, 400, "{told}");
        }
    }
    let seen = looked_at(&world, phone).await;
    assert!((1..=20).contains(&seen), "{seen} guesses in an hour");
    let codes = format!("select count(*) from otp_codes where phone = '{phone}'");
    assert!(world.count(&codes).await <= 5);

    // The hour passes, again and again: the day's cap holds.
    for _ in 0..6 {
        world
            .execute("update otp_hits set at = at - interval '61 minutes'")
            .await;
        for round in 0..10 {
            let (_, sent) = request(&tasks[0], phone, &address(round)).await;
            for n in 0..5 {
                let from = address(2000 + round * 5 + n);
                guess(&tasks[1], phone, other_than(&sent["otp"]), &from).await;
            }
        }
    }
    let seen = looked_at(&world, phone).await;
    assert!((21..=40).contains(&seen), "{seen} guesses in a day");
    assert!(world.count(&codes).await <= 10);
    let (status, _) = request(&tasks[0], phone, "10.9.9.9").await;
    assert_eq!(status, 429, "no code can be used, so none is sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_once_are_counted_too() {
    let world = World::new().await;
    world.person("First").await;
    let second = world.second(&[]).await;
    let tasks = [world.nobody(), second.client()];
    let phone = "+966590100002";
    let (_, sent) = request(&tasks[0], phone, "10.0.0.1").await;
    let wrong = other_than(&sent["otp"]);
    let guesses = (0..60).map(|n| {
        let caller = &tasks[n % 2];
        async move { guess(caller, phone, wrong, &address(n)).await.0 }
    });
    let told = futures::future::join_all(guesses).await;
    assert!(told.iter().all(|status| *status == 400), "{told:?}");
    assert_eq!(
        looked_at(&world, phone).await,
        5,
        "a code takes five guesses"
    );
    let right = sent["otp"].as_str().unwrap();
    assert_eq!(guess(&tasks[0], phone, right, "10.0.0.1").await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_at_once_leave_one_code_that_works() {
    let world = World::with(&[("APP_OTP_CODES_PER_PHONE_HOUR", "100")]).await;
    world.person("First").await;
    let second = world
        .second(&[("APP_OTP_CODES_PER_PHONE_HOUR", "100")])
        .await;
    let tasks = [world.nobody(), second.client()];
    let phone = "+966590100003";
    let requests = (0..20).map(|n| {
        let caller = &tasks[n % 2];
        async move { request(caller, phone, &address(n)).await }
    });
    let sent: BTreeSet<String> = futures::future::join_all(requests)
        .await
        .into_iter()
        .filter(|(status, _)| *status == 200)
        .map(|(_, body)| body["otp"].as_str().unwrap().to_owned())
        .collect();
    assert!(sent.len() > 1, "{sent:?}");
    let live = format!("select count(*) from otp_codes where phone = '{phone}' and not is_used");
    assert_eq!(world.count(&live).await, 1);
    // Each code is tried while the guesses are made to last.
    let mut worked = 0;
    for code in &sent {
        world.execute("update otp_codes set attempts = 0").await;
        world.execute("delete from otp_hits").await;
        worked += usize::from(guess(&tasks[0], phone, code, "10.1.0.1").await.0 == 200);
    }
    assert_eq!(worked, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_cannot_have_messages_sent_to_many_phones() {
    let world = World::with(&DEFAULTS).await;
    let second = world.second(&DEFAULTS).await;
    world.person("First").await;
    let tasks = [world.nobody(), second.client()];
    let mut sent = 0;
    for n in 0..30 {
        let phone = format!("+9665902{n:05}");
        let (status, _) = request(&tasks[n % 2], &phone, "203.0.113.7").await;
        sent += usize::from(status == 200);
    }
    assert_eq!(sent, 20);
    let (status, _) = request(&tasks[0], "+966590299999", "203.0.113.8").await;
    assert_eq!(status, 200, "others are not held up");
    // What the caller writes into the header himself does not help him.
    let forged = "198.51.100.1, 203.0.113.7";
    let (status, _) = request(&tasks[0], "+966590299998", forged).await;
    assert_eq!(status, 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_sends_only_so_many_codes_in_a_minute() {
    let world = World::with(&[("APP_OTP_CODES_PER_TASK_MINUTE", "3")]).await;
    world.person("First").await;
    let caller = world.nobody();
    let mut statuses = Vec::new();
    for n in 0..4 {
        let phone = format!("+9665903{n:05}");
        statuses.push(request(&caller, &phone, &address(n)).await.0);
    }
    // The first person's code is one of the three.
    assert_eq!(statuses, [200, 200, 429, 429]);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_refusals_of_a_code_are_one() {
    let world = World::new().await;
    let known = world.person("Known").await;
    let caller = world.nobody();
    let mut refusals = BTreeSet::new();
    let mut refuse = async |phone: &str, code: &str| {
        let (status, body) = guess(&caller, phone, code, "10.0.0.1").await;
        refusals.insert(format!("{status} {body}"));
    };
    // An unknown phone, a known one without a live code, a wrong code, a used-up one, an expired one.
    refuse("+966590400001", "123456").await;
    refuse(&known.phone, "123456").await;
    let phone = "+966590400002";
    let (_, sent) = request(&caller, phone, "10.0.0.1").await;
    let right = sent["otp"].as_str().unwrap().to_owned();
    for _ in 0..6 {
        refuse(phone, other_than(&sent["otp"])).await;
    }
    refuse(phone, &right).await;
    let (_, sent) = request(&caller, phone, "10.0.0.1").await;
    world
        .execute("update otp_codes set expires_at = now() - interval '1 second'")
        .await;
    refuse(phone, sent["otp"].as_str().unwrap()).await;
    // A right code after the phone's guesses are used up.
    let (_, sent) = request(&caller, phone, "10.0.0.1").await;
    let spent = format!(
        "insert into otp_hits (key) select 'guess phone {phone}' from generate_series(1, 40)"
    );
    world.execute(&spent).await;
    refuse(phone, sent["otp"].as_str().unwrap()).await;
    assert_eq!(refusals.len(), 1, "{refusals:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_caller_hears_how_long_it_takes() {
    let world = World::with(&[("APP_OTP_CODES_PER_PHONE_HOUR", "1")]).await;
    let caller = world.person("First").await;
    let body = json!({ "phone": "+966590500001" });
    caller.post(REQUEST, body.clone()).await.expect(200);
    world
        .execute("update otp_hits set at = at - interval '50 minutes'")
        .await;
    let refused = caller.post(REQUEST, body).await;
    let left: u32 = refused.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    refused.expect(429);
    assert!((1..=600).contains(&left), "{left}");
}
