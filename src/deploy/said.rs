//! What a deploy tells while it runs. The command line renders it; nothing is decided from it.

#[derive(Clone, Debug)]
pub enum Said {
    /// What happens next, or came of the last thing.
    Text(String),
    /// Something the reader should know, though it goes on.
    Warning(String),
    /// Some of a layer was sent; `sent` starts again when a connection was cut.
    Sending {
        digest: String,
        sent: u64,
        size: u64,
    },
    Sent {
        digest: String,
        size: u64,
    },
    /// How the roll-out stands, in one line; told when it has changed.
    View(String),
    /// A line of the service's own events.
    Event(String),
    /// A line of a task's log.
    Log(String),
}

pub type Tell<'a> = &'a (dyn Fn(Said) + Send + Sync);
