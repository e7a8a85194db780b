//! One-time codes by SNS, played by a stand-in.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::post;
use serde_json::json;

use crate::harness::postgres::Database;
use crate::harness::process::{Process, command};

type Published = Arc<Mutex<Vec<Vec<(String, String)>>>>;

async fn publish(State(seen): State<Published>, body: String) -> impl IntoResponse {
    let form = form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect();
    seen.lock().unwrap().push(form);
    let answer = "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult>\
        <MessageId>m-1</MessageId></PublishResult><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></PublishResponse>";
    ([(header::CONTENT_TYPE, "text/xml")], answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_goes_out_as_a_text_message() {
    let seen = Published::default();
    let app = Router::new()
        .route("/", post(publish))
        .with_state(seen.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });

    let database = Database::new().await;
    let mut command = command(&database.url, &[("APP_SMS_SENDER", "sns")]);
    command
        .env("AWS_ENDPOINT_URL", &endpoint)
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "a secret");
    let service = Process::of(command).await;
    let phone = json!({ "phone": "+966 50 123 4567" });
    let sent = service
        .client()
        .post("/onboarding/request-otp", phone)
        .await
        .expect(200);
    let code = sent["otp"].as_str().expect("debug shows it");
    let seen = seen.lock().unwrap();
    let [message] = seen.as_slice() else {
        panic!("one message, not {seen:?}");
    };
    let field = |name: &str| {
        let found = message.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    assert_eq!(field("Action"), "Publish");
    assert_eq!(field("PhoneNumber"), "+966501234567");
    assert!(field("Message").contains(code), "{message:?}");
    assert!(
        message.iter().any(|(_, value)| value == "Transactional"),
        "{message:?}"
    );
}
