//! Values that nobody may ever see again: given and generated ones, through every verb that works on secrets or on what runs, as loud as
//! the program gets; then looked for in all output and in every file, plain, in base64, and escaped for JSON and URLs.

use std::process::Command;

use serde_json::json;

use crate::deploy::images::{Image, oci};
use crate::standing::{Said, Standing, feed};

const CONFIG: &str = "circles/app-config";
const API: &str = "APP_FOURSQUARE_API_KEY";
/// With characters that every escape treats in a way of its own.
const GIVEN: &str = "cAnArY \"quoted\" 100%/+&<é>\\ end";

/// A value in the ways that it may show up.
fn forms(value: &str) -> Vec<String> {
    let json = serde_json::to_string(value).expect("JSON");
    let json = json[1..json.len() - 1].to_owned();
    let url: String = value
        .bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                (byte as char).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect();
    // Base64 of a value inside another text depends on where it begins: three places there are.
    let mut forms = vec![value.to_owned(), json, url.clone(), url.replace("%20", "+")];
    for shift in 0..3 {
        let padded = format!("{}{value}", "x".repeat(shift));
        let coded = base64(padded.as_bytes());
        let (from, to) = (
            if shift == 0 { 0 } else { 4 },
            coded.len().saturating_sub(4),
        );
        forms.push(coded[from..to].to_owned());
    }
    // Long parts of it, too: a message may cut it short.
    let half: String = value.chars().take(value.chars().count() / 2).collect();
    forms.push(half);
    forms.retain(|form| form.len() >= 8);
    forms
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let all = chunk.iter().chain([0, 0].iter()).take(3);
        let bits = all.fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place)) as usize & 63];
            out.push(if place <= chunk.len() {
                letter as char
            } else {
                '='
            });
        }
    }
    out
}

#[test]
fn the_forms_are_the_right_ones() {
    assert_eq!(base64(b"Man"), "TWFu");
    assert_eq!(base64(b"Ma"), "TWE=");
    let forms = forms("abcdefghijklmnop/\"");
    assert!(forms.contains(&"abcdefghijklmnop%2F%22".to_owned()));
    assert!(forms.contains(&"abcdefghijklmnop/\\\"".to_owned()));
}

/// Louder than anybody asks for.
fn loud(mut command: Command) -> Command {
    command
        .arg("-vvv")
        .env("RUST_LOG", "trace")
        .env("RUST_BACKTRACE", "full");
    command
}

/// Long: one story, told from a first apply to the last look at its traces.
#[tokio::test(flavor = "multi_thread")]
async fn no_value_is_ever_seen_again() {
    let world = Standing::circles();
    let mut heard: Vec<(String, String)> = Vec::new();
    let mut values: Vec<String> = Vec::new();
    let run = |arguments: &[&str], input: &str, heard: &mut Vec<(String, String)>| {
        let mut command = loud(world.command(arguments));
        command.env("CANARY", GIVEN);
        let said: Said = feed(&mut command, input.as_bytes());
        heard.push((arguments.join(" "), said.all()));
        said
    };
    let fault = |kind: &str, action: &str| {
        json!({"kind": kind, "service": "secretsmanager", "action": action, "nth": 1,
            "code": "InvalidRequestException", "message": format!("what you sent, {GIVEN}, is not taken")})
    };
    // AWS repeats the value in its refusal.
    let refuse = fault("refuse", "PutSecretValue");
    world.aws.control("POST", "faults", &refuse).await;
    assert_eq!(
        run(&["secrets", "set", API], GIVEN, &mut heard).code,
        Some(1)
    );
    world.aws.control("DELETE", "faults", &json!(null)).await;
    assert_eq!(
        run(&["secrets", "set", API], GIVEN, &mut heard).code,
        Some(0)
    );
    values.extend(live(&world).await);
    run(
        &["secrets", "set", API, "--from-env", "CANARY"],
        "",
        &mut heard,
    );
    run(&["secrets", "set", API, GIVEN], "", &mut heard);
    run(
        &["secrets", "set", API, &format!("--value={GIVEN}")],
        "",
        &mut heard,
    );
    run(
        &["secrets", "set", &format!("{API}={GIVEN}")],
        "",
        &mut heard,
    );
    run(&["secrets", "set", API], &format!("{GIVEN}\0"), &mut heard);
    run(&["secrets", "set", API], &GIVEN.repeat(3000), &mut heard);
    run(&["secrets", "set", "APP_DATABASE_URL"], GIVEN, &mut heard);
    run(&["secrets", "set", "NO_SUCH_KEY"], GIVEN, &mut heard);
    let drop = fault("lose", "PutSecretValue");
    world.aws.control("POST", "faults", &drop).await;
    assert_eq!(
        run(&["secrets", "rotate", "APP_JWT_SECRET_KEY"], "", &mut heard).code,
        Some(0)
    );
    values.extend(live(&world).await);
    let archive = |word: &str| {
        let image = Image::new(word, "amd64");
        let path = oci(
            world.state.path(),
            &format!("{word}.tar"),
            &[(&image, "amd64")],
        );
        path.display().to_string()
    };
    let (first, second) = (archive("first"), archive("second"));
    run(&["apply", "--yes"], "", &mut heard);
    for arguments in [
        &["deploy", "--image", &first, "--migrate"][..],
        &["deploy", "--image", &second, "--json"],
        &["secrets", "rotate", "APP_DATABASE_URL"],
        &["redeploy"],
        &["rollback"],
        &["releases", "--json"],
    ] {
        let said = run(arguments, "", &mut heard);
        assert_eq!(said.code, Some(0), "{arguments:?}: {}", said.all());
    }
    values.extend(live(&world).await);
    for arguments in [
        &["secrets", "list"][..],
        &["secrets", "list", "--json"],
        &["secrets", "get", API],
        &["secrets", "get", API, "--reveal"],
        &["secrets", "rotate", "password"],
        &["plan"],
        &["plan", "--json"],
        &["apply", "--yes"],
        &["apply", "--yes", "--json"],
        &["status"],
        &["status", "--json", "--drift"],
        &["drift", "--json"],
        &["outputs", "--json"],
        &["logs"],
        &["history", "--json"],
        &["state", "show", "config", "--json"],
        &["secrets", "unset", API],
        &["secrets", "unset", "APP_JWT_SECRET_KEY_PREVIOUS"],
        &["verify", "--url", "http://127.0.0.1:9", "--login"],
        &["destroy", "--yes"],
    ] {
        run(arguments, "", &mut heard);
    }
    values.push(GIVEN.to_owned());
    values.sort();
    values.dedup();
    assert!(values.len() >= 7, "{} values", values.len());
    let files = world.files();
    assert!(files.len() >= 3, "{} files", files.len());
    heard.extend(
        files
            .into_iter()
            .map(|(path, text)| (path.display().to_string(), text)),
    );
    for form in values.iter().flat_map(|value| forms(value)) {
        for (place, text) in &heard {
            assert!(!text.contains(&form), "{form:?} is in {place}: {text}");
        }
    }
}

/// Every value that is secret now.
async fn live(world: &Standing) -> Vec<String> {
    let mut values = Vec::new();
    for name in [CONFIG, "circles/db-master"] {
        let held = world.held(name).await;
        let secret = held.iter().filter(|(key, _)| !key.starts_with("S3_"));
        values.extend(secret.filter_map(|(_, value)| value.as_str().map(str::to_owned)));
    }
    values
}
