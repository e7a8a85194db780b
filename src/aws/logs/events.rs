//! Reading log lines: `FilterLogEvents`, page by page.

use crate::aws::{Aws, aws_error};
use crate::kind::CloudError;

const FILTER: &str = "logs:FilterLogEvents";

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// AWS's own id of it; the same line read twice has the same.
    pub id: String,
    /// Milliseconds since 1970, by the task's clock.
    pub at: i64,
    pub group: String,
    pub stream: String,
    pub message: String,
}

/// Which lines.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    pub group: &'a str,
    /// Milliseconds since 1970, included.
    pub from: i64,
    /// A filter pattern of CloudWatch Logs.
    pub pattern: Option<&'a str>,
    /// Streams whose names begin so.
    pub prefix: Option<&'a str>,
}

/// One page, and the token of the next. A page may be empty and still not be the last.
pub async fn page(
    aws: &Aws,
    wanted: &Wanted<'_>,
    token: Option<String>,
) -> Result<(Vec<Line>, Option<String>), CloudError> {
    let request = aws
        .logs
        .filter_log_events()
        .log_group_name(wanted.group)
        .start_time(wanted.from)
        .set_filter_pattern(wanted.pattern.map(str::to_owned))
        .set_log_stream_name_prefix(wanted.prefix.map(str::to_owned))
        .set_next_token(token);
    let answer = aws
        .read(FILTER, || async {
            request
                .clone()
                .send()
                .await
                .map_err(|e| aws_error(FILTER, e))
        })
        .await?;
    let lines = answer
        .events
        .unwrap_or_default()
        .into_iter()
        // An emulator may not know the prefix.
        .filter(|event| {
            let stream = event.log_stream_name().unwrap_or_default();
            wanted
                .prefix
                .is_none_or(|prefix| stream.starts_with(prefix))
        })
        .map(|event| Line {
            id: event.event_id.unwrap_or_default(),
            at: event.timestamp.unwrap_or_default(),
            group: wanted.group.to_owned(),
            stream: event.log_stream_name.unwrap_or_default(),
            message: event.message.unwrap_or_default(),
        })
        .collect();
    Ok((lines, answer.next_token.filter(|token| !token.is_empty())))
}
