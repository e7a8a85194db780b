//! `logs`: what was written, in order, each line once.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use aws_sdk_cloudwatchlogs::types::InputLogEvent;
use serde_json::Value as Json;

use crate::standing::Standing;

const GROUP: &str = "/ecs/circles";

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

struct Writer {
    client: aws_sdk_cloudwatchlogs::Client,
}

impl Writer {
    async fn new(world: &Standing) -> Self {
        let client = aws_sdk_cloudwatchlogs::Client::new(&world.aws.config().await);
        Self { client }
    }

    async fn stream(&self, name: &str) {
        let create = self.client.create_log_stream().log_group_name(GROUP);
        create
            .log_stream_name(name)
            .send()
            .await
            .expect("a log stream");
    }

    async fn write(&self, stream: &str, at: i64, message: &str) {
        let event = InputLogEvent::builder().timestamp(at).message(message);
        let put = self.client.put_log_events().log_group_name(GROUP);
        put.log_stream_name(stream)
            .log_events(event.build().expect("an event"))
            .send()
            .await
            .expect("a line that is taken");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_all_tasks_come_by_time_and_each_once() {
    let world = Standing::circles();
    let writer = Writer::new(&world).await;
    let said = world.expect(&["logs"], 0);
    assert!(
        said.out.is_empty() && said.err.contains("No line"),
        "{said:?}"
    );
    let (one, two) = (
        "app/app/11111111111111111111",
        "app/app/22222222222222222222",
    );
    for stream in [one, two, "other/x/3"] {
        writer.stream(stream).await;
    }
    let start = now() - 300_000;
    // More than a page takes, from two tasks in turn; and somebody else's stream in the same group.
    for n in 0..60 {
        let stream = if n % 2 == 0 { one } else { two };
        writer
            .write(
                stream,
                start + n * 1000,
                &format!("line {n:03} \u{1b}[31mred"),
            )
            .await;
    }
    writer.write("other/x/3", start, "not the service's").await;
    writer.write(one, now() - 7_200_000, "two hours ago").await;
    let said = world.expect(&["logs"], 0);
    let numbers: Vec<&str> = said
        .out
        .lines()
        .map(|line| line.split("line ").nth(1).map_or(line, |rest| &rest[..3]))
        .collect();
    let expected: Vec<String> = (0..60).map(|n| format!("{n:03}")).collect();
    assert_eq!(numbers, expected, "{}", said.out);
    assert!(!said.out.contains('\u{1b}'), "{}", said.out);
    let said = world.expect(&["logs", "app", "--since", "3h", "--filter", "hours"], 0);
    assert_eq!(said.out.lines().count(), 1, "{}", said.out);
    let said = world.expect(&["logs", "--json"], 0);
    let first: Json = serde_json::from_str(said.out.lines().next().expect("a line")).expect("JSON");
    assert_eq!(first["stream"], one);
    let said = world.expect(&["logs", "nobody"], 1);
    assert!(said.err.contains("it has app"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_repeats_nothing() {
    let world = Standing::circles();
    let writer = Writer::new(&world).await;
    writer.stream("app/app/1").await;
    writer.write("app/app/1", now() - 1000, "before").await;
    let mut command = world.command(&["logs", "--follow", "--json"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program runs");
    let out = child.stdout.take().expect("its output");
    let (send, lines) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                return;
            }
        }
    });
    let next = || {
        let line = lines.recv_timeout(std::time::Duration::from_secs(60));
        let line: Json = serde_json::from_str(&line.expect("a line")).expect("JSON");
        line["message"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(next(), "before");
    writer.write("app/app/1", now(), "then").await;
    assert_eq!(next(), "then");
    // One that comes late, with a time before what was shown.
    writer.write("app/app/1", now() - 5000, "late").await;
    assert_eq!(next(), "late");
    writer.write("app/app/1", now(), "last").await;
    assert_eq!(next(), "last");
    child.kill().expect("an ended follower");
    child.wait().expect("its end");
    let rest: Vec<String> = lines.iter().collect();
    assert!(rest.is_empty(), "{rest:?}");
}
