//! `verify`: against a small server that answers as the service should not, and (in `make test-verify`) against the real one.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::local_aws::LocalAws;
use crate::made_up::MadeUp;
use crate::standing::Said;

fn program(arguments: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_circles-infra"));
    command.args(arguments).stdin(Stdio::null());
    Said::of(&command.output().expect("the program runs"))
}

fn report(said: &Said) -> BTreeMap<String, (String, String)> {
    let json: Json = serde_json::from_str(&said.out).unwrap_or_else(|e| panic!("{e}: {said:?}"));
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    json["checks"]
        .as_array()
        .expect("checks")
        .iter()
        .map(|check| {
            (
                text(&check["name"]),
                (text(&check["verdict"]), text(&check["what"])),
            )
        })
        .collect()
}

#[test]
fn a_service_that_does_not_answer_fails() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let said = program(&["verify", "--url", &url, "--login"]);
    assert_eq!(said.code, Some(76), "{said:?}");
    assert!(
        said.out.contains("FAILED") && said.out.contains("skipped"),
        "{said:?}"
    );
    for url in ["circles.example", "ftp://circles.example"] {
        assert_eq!(program(&["verify", "--url", url]).code, Some(64), "{url}");
    }
    // One that takes the connection and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", silent.local_addr().expect("an address"));
    let said = program(&["verify", "--url", &url, "--timeout", "1s"]);
    assert_eq!(said.code, Some(76), "{said:?}");
    assert!(said.out.contains("no answer in time"), "{said:?}");
}

#[test]
fn what_is_wrong_is_said_check_by_check() {
    let service = MadeUp::new();
    service.answer(
        "GET /health",
        200,
        json!({"status": "ok", "app": "Circles", "debug": false}),
    );
    let ready = json!({"ready": false, "database": true, "migrations": false, "storage": true, "listener": true});
    service.answer("GET /readyz", 503, ready);
    service.answer(
        "GET /openapi.json",
        200,
        json!({"openapi": "3.1.0", "paths": {}}),
    );
    // Open to everybody, and no debug mode.
    service.answer("GET /metrics", 200, json!("http_requests_total 1"));
    service.answer("GET /auth/me", 200, json!({"id": 1}));
    service.answer(
        "POST /onboarding/request-otp",
        200,
        json!({"status": "sent", "message": "sent"}),
    );
    let said = program(&["verify", "--url", &service.url, "--login", "--json"]);
    assert_eq!(said.code, Some(76), "{said:?}");
    let checks = report(&said);
    let of = |name: &str| {
        checks
            .get(name)
            .unwrap_or_else(|| panic!("{name}: {said:?}"))
    };
    assert_eq!(of("health").0, "passed");
    assert_eq!(
        of("readiness"),
        &("failed".into(), "not ready: migrations".into())
    );
    assert_eq!(of("debug mode").0, "expected");
    assert_eq!(of("OpenAPI coverage").0, "failed");
    assert_eq!(
        of("metrics"),
        &(
            "failed".into(),
            "GET /metrics answers 200 instead of 403".into()
        )
    );
    assert_eq!(of("public pages").0, "failed");
    assert!(
        of("closed without a token")
            .1
            .contains("/auth/me answers 200 instead of 403")
    );
    // Production shows no codes: that is as it should be, and what needs them is not asked.
    assert_eq!(of("sign-up").0, "expected");
    assert_eq!(of("socket").0, "skipped");
    service.answer(
        "GET /health",
        200,
        json!({"status": "ok", "app": "Somebody else"}),
    );
    let said = program(&["verify", "--url", &service.url, "--json"]);
    assert_eq!(report(&said)["health"].0, "failed");
}

/// The real service, its own process.
struct Service {
    child: Child,
    url: String,
    _media: tempfile::TempDir,
}

impl Service {
    fn start(settings: &[(&str, &str)]) -> Self {
        let media = tempfile::tempdir().expect("a folder");
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let url = format!("http://127.0.0.1:{port}");
        let wanted = |name: &str| {
            std::env::var(name).unwrap_or_else(|_| panic!("{name}: make test-verify sets it"))
        };
        let mut command = Command::new(wanted("CIRCLES_TEST_APP"));
        command
            .arg("serve")
            .env("APP_PORT", port.to_string())
            .env("APP_DATABASE_URL", wanted("CIRCLES_TEST_DATABASE_URL"))
            .env("APP_STORAGE_BACKEND", "local")
            .env("APP_LOCAL_FOLDER", media.path())
            .env("APP_LOCAL_BASE_URL", &url)
            .env("APP_AUTOSEED_ENABLED", "false")
            .env("RUST_LOG", "warn")
            .envs(settings.iter().copied())
            .stdin(Stdio::null());
        let child = command.spawn().expect("the service starts");
        let mut service = Self {
            child,
            url,
            _media: media,
        };
        service.wait(port);
        service
    }

    fn wait(&mut self, port: u16) {
        let patience = Instant::now() + Duration::from_secs(60);
        while !ready(port) {
            let ended = self.child.try_wait().expect("its state");
            assert!(
                ended.is_none() && Instant::now() < patience,
                "the service does not start"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Whether it says of itself that it has all it needs: it answers before that.
fn ready(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else {
        return false;
    };
    let mut answer = String::new();
    let asked = stream.write_all(b"GET /readyz HTTP/1.0\r\n\r\n");
    asked.is_ok() && stream.read_to_string(&mut answer).is_ok() && answer.contains(" 200 OK")
}

impl Drop for Service {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "needs the service and a PostgreSQL: make test-verify"]
fn the_real_service_passes() {
    let service = Service::start(&[("APP_DEBUG", "true"), ("APP_USE_POSTGIS", "true")]);
    let said = program(&["verify", "--url", &service.url, "--login", "--json"]);
    assert_eq!(said.code, Some(0), "{}", said.all());
    for (name, (verdict, what)) in report(&said) {
        let wanted = if name == "external places" {
            "expected"
        } else {
            "passed"
        };
        assert_eq!(verdict, wanted, "{name}: {what}");
    }
    let table = program(&["verify", "--url", &service.url, "--login"]);
    assert_eq!(table.code, Some(0), "{}", table.all());
    assert!(table.out.contains("0 failed"), "{}", table.out);
    drop(service);
    // As in production: nothing fails because of what it hides.
    let aws = LocalAws::start();
    let service = Service::start(&[
        ("APP_JWT_SECRET_KEY", "0123456789abcdef0123456789abcdef"),
        ("APP_OTP_SECRET_KEY", "fedcba9876543210fedcba9876543210"),
        ("APP_METRICS_TOKEN", "metrics-token-of-a-test"),
        // Where its codes go: text messages of the local AWS, which nobody gets.
        ("AWS_ENDPOINT_URL", &aws.endpoint()),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", "us-east-1"),
    ]);
    let said = program(&["verify", "--url", &service.url, "--login", "--json"]);
    assert_eq!(said.code, Some(0), "{}", said.all());
    let checks = report(&said);
    for (name, verdict) in [
        ("health", "passed"),
        ("metrics", "passed"),
        ("debug mode", "expected"),
        ("external places", "expected"),
        ("sign-up", "expected"),
        ("socket", "skipped"),
    ] {
        assert_eq!(checks[name].0, verdict, "{name}: {}", checks[name].1);
    }
}
