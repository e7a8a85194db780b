//! JSON for programs: the plan as one document, a run as one event a line. Secrets are references in both.

use std::io::Write;

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::outputs;
use crate::event::{Event, Sink};
use crate::plan::{Outputs, Plan};

/// Counts up when a reader of the JSON would have to change.
pub const FORMAT: u32 = 1;

/// The plan with its totals, indented.
pub fn plan(plan: &Plan) -> String {
    let document = json!({
        "format": FORMAT,
        "totals": plan.totals(),
        "plan": plan,
    });
    pretty(&document)
}

/// Any value, indented, with a newline at the end.
pub fn pretty(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value)
        .unwrap_or_else(|e| json!({ "error": e.to_string() }).to_string());
    text.push('\n');
    text
}

/// The first line of `apply --json`.
pub fn planned(plan: &Plan) -> Json {
    json!({ "event": "planned", "format": FORMAT, "totals": plan.totals(), "plan": plan })
}

/// The last line of `apply --json`.
pub fn outputs(outputs: &Outputs) -> Json {
    json!({ "event": "outputs", "outputs": outputs::json(outputs) })
}

/// One event a line, each flushed, so that a reader sees it when it happens.
pub struct EventLines<W> {
    to: W,
}

impl<W: Write + Send> EventLines<W> {
    pub fn new(to: W) -> Self {
        Self { to }
    }

    fn write(&mut self, event: &Event) -> std::io::Result<()> {
        serde_json::to_writer(&mut self.to, event)?;
        self.to.write_all(b"\n")?;
        self.to.flush()
    }
}

impl<W: Write + Send> Sink for EventLines<W> {
    fn take(&mut self, event: &Event) -> bool {
        self.write(event).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples;

    #[test]
    fn a_plan_reads_back_from_its_json() {
        let made = samples::every_act();
        let document: Json = serde_json::from_str(&plan(&made)).unwrap();
        let read: Plan = serde_json::from_value(document["plan"].clone()).unwrap();
        assert_eq!(read, made);
        insta::assert_snapshot!("plan_json", plan(&made));
    }

    #[test]
    fn events_are_one_a_line_and_read_back() {
        let mut sink = EventLines::new(Vec::new());
        let events = samples::a_run();
        assert!(events.iter().all(|event| sink.take(event)));
        let text = String::from_utf8(sink.to).unwrap();
        let read: Vec<Event> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(read, events);
        insta::assert_snapshot!("event_lines", text);
    }

    #[test]
    fn a_closed_pipe_is_said_not_thrown() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        assert!(!EventLines::new(Closed).take(&samples::a_run()[0]));
    }
}
