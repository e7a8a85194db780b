//! No secret value, generated or given, plain, base64, URL- or JSON-escaped, in any file or output, however talkative the program is.

use crate::desk::{Desk, said};

const FORMS: &str = "
import base64, urllib.parse
found = []
for name in ('circles/app-config', 'circles/db-master'):
    held = json.loads(secrets.get_secret_value(SecretId=name)['SecretString'])
    found += [v for k, v in held.items() if len(v) >= 16 and not k.startswith('S3_')]
for value in list(found):
    if '://' in value:
        found.append(urllib.parse.unquote(value.split(':')[2].split('@')[0]))
forms = set()
for value in found:
    raw = value.encode()
    forms |= {value, urllib.parse.quote(value, safe=''), urllib.parse.quote_plus(value), json.dumps(value)[1:-1], raw.hex()}
    # Wherever it stands in what was encoded.
    for shift in range(3):
        text = base64.b64encode(b'x' * shift + raw).decode()
        forms.add(text[4 if shift else 0:-4])
print('\\n'.join(sorted(forms)))
";
const GIVEN: &str = "given/by+an \"operator\" & more-than-16";

#[test]
fn whatever_is_printed_or_written() {
    let desk = Desk::circles();
    let mut texts: Vec<(String, String)> = Vec::new();
    let mut run = |arguments: &[&str], code: i32| {
        let mut command = desk.command(arguments);
        command
            .env("RUST_LOG", "trace")
            .env("RUST_BACKTRACE", "full")
            .env("GIVEN", GIVEN);
        let said = said(&mut command);
        assert_eq!(said.code, Some(code), "{arguments:?}\n{}", said.all());
        texts.push((arguments.join(" "), said.all()));
    };
    let plan = desk.text_of("plan");
    run(&["plan", "-vvv", "--out", &plan], 0);
    run(&["apply", "-vvv", "--yes", "--json"], 0);
    run(
        &[
            "secrets",
            "set",
            "APP_FOURSQUARE_API_KEY",
            "--from-env",
            "GIVEN",
            "-vvv",
        ],
        0,
    );
    run(
        &[
            "plan",
            "-vvv",
            "--json",
            "--out",
            &plan,
            "--var",
            "db_storage=30",
        ],
        0,
    );
    run(&["show", &plan, "--json"], 0);
    run(&["apply", "-vvv", "--yes", "--var", "db_storage=30"], 0);
    desk.boto("secrets.put_secret_value(SecretId='circles/db-master', SecretString=secrets.get_secret_value(SecretId='circles/db-master')['SecretString'])");
    for arguments in [
        &["drift", "-vvv", "--json"][..],
        &["outputs", "-vvv", "--json"],
        &["plan", "--format", "markdown", "-vvv"],
        &["state", "show", "db/instance", "--json"],
        &["state", "show", "config", "--json"],
        &["state", "rebuild", "-vvv"],
        &["history", "--json"],
        &["secrets", "list", "-vvv"],
        &["graph"],
        &["plan", "--destroy", "--json", "--out", &plan],
    ] {
        run(arguments, 0);
    }
    let forms = desk.boto(FORMS);
    let mut forms: Vec<&str> = forms.lines().collect();
    forms.push(GIVEN);
    assert!(forms.len() > 20, "{} forms", forms.len());
    run(&["destroy", "-vvv", "--yes", "--json"], 0);
    for (path, bytes) in desk.state() {
        texts.push((
            path.display().to_string(),
            String::from_utf8_lossy(&bytes).into_owned(),
        ));
    }
    texts.push((
        "plan file".into(),
        std::fs::read_to_string(&plan).expect("the plan"),
    ));
    assert!(texts.len() > 20);
    for (place, text) in &texts {
        for form in &forms {
            // Not printed here either.
            assert!(!text.contains(form), "a secret stands in: {place}");
        }
    }
}
