//! `logs`.

use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::failure::{Exit, Failure};
use super::global::{Global, time};
use super::ui::Ui;
use crate::aws::logs::events::Line;
use crate::model::Address;
use crate::render::shown::clean;
use crate::session::Follower;

/// How often a follower looks; CloudWatch shows a line a few seconds after it was written.
const PAUSE: Duration = Duration::from_secs(2);

/// Show what the service's tasks wrote, from CloudWatch Logs, all of them merged by time
#[derive(Args, Clone, Debug)]
pub struct LogsArgs {
    /// The service's address [default: all of them]
    pub service: Option<Address>,

    /// Go on with what comes, until Ctrl-C
    #[arg(long, short)]
    pub follow: bool,

    /// How far back: 30s, 10m, 1h, 2d
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = time)]
    pub since: Duration,

    /// Only lines that match this pattern of CloudWatch Logs: a word, `"two words"`, `{ $.level = "error" }`
    #[arg(long, value_name = "PATTERN")]
    pub filter: Option<String>,

    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}

pub async fn run(args: &LogsArgs, global: &Global, ui: &mut Ui) -> Result<Exit, Failure> {
    let session = super::open(global, ui).await?;
    let sources = session.log_sources(args.service.as_ref()).await?;
    let back = i64::try_from(args.since.as_millis()).unwrap_or(i64::MAX);
    let from = (jiff::Timestamp::now().as_millisecond() - back).max(0);
    let mut follower = Follower::new(sources, from, args.filter.clone());
    let mut said = false;
    loop {
        for line in session.read_logs(&mut follower).await? {
            said = true;
            ui.result(&text(&line, args.json))?;
        }
        if !args.follow {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    if !said {
        ui.say("No line in that time; --since looks further back.");
    }
    Ok(Exit::FINE)
}

fn text(line: &Line, as_json: bool) -> String {
    let at = jiff::Timestamp::from_millisecond(line.at).map_or_else(
        |_| line.at.to_string(),
        |at| at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
    );
    if as_json {
        let object =
            json!({"at": at, "group": line.group, "stream": line.stream, "message": line.message});
        return format!("{object}\n");
    }
    // `prefix/container/task`: the task tells lines apart; its first characters are enough for that.
    let task = line.stream.rsplit('/').next().unwrap_or(&line.stream);
    let task: String = task.chars().take(8).collect();
    format!(
        "{at} {task:8} {}\n",
        clean(line.message.trim_end_matches('\n'))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_when_and_which_task() {
        let line = Line {
            id: "1".into(),
            at: 1_764_000_000_123,
            group: "/ecs/circles".into(),
            stream: "app/app/0123456789abcdef".into(),
            message: "hello \u{1b}[2J\n".into(),
        };
        assert_eq!(
            text(&line, false),
            "2025-11-24T16:00:00.123Z 01234567 hello \u{fffd}[2J\n"
        );
        assert!(text(&line, true).contains(r#""stream":"app/app/0123456789abcdef""#));
    }
}
