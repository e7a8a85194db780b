//! The sockets of this task, by topic. A reader that does not keep up is dropped: its queue is bounded and never waited for.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;
use uuid::Uuid;

/// Frames a socket may lag behind before it is dropped.
const QUEUE: usize = 64;

/// What a socket listens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    Thread(i64),
    User(i64),
    Place(i64),
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Topic::Thread(id) => write!(f, "t:{id}"),
            Topic::User(id) => write!(f, "u:{id}"),
            Topic::Place(id) => write!(f, "p:{id}"),
        }
    }
}

impl Topic {
    /// Reads the form [`Display`](fmt::Display) writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Topic> {
        let (kind, id) = text.split_once(':')?;
        let id = id.parse().ok()?;
        match kind {
            "t" => Some(Topic::Thread(id)),
            "u" => Some(Topic::User(id)),
            "p" => Some(Topic::Place(id)),
            _ => None,
        }
    }
}

struct Member {
    socket: Uuid,
    user: i64,
    queue: mpsc::Sender<Arc<str>>,
}

#[derive(Default)]
pub struct Hub {
    rooms: Mutex<HashMap<Topic, Vec<Member>>>,
}

/// A socket's place in the hub.
pub struct Seat {
    pub socket: Uuid,
    pub frames: mpsc::Receiver<Arc<str>>,
}

impl Hub {
    fn lock(&self) -> MutexGuard<'_, HashMap<Topic, Vec<Member>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn join(&self, topic: Topic, user: i64) -> Seat {
        let (queue, frames) = mpsc::channel(QUEUE);
        let socket = Uuid::new_v4();
        self.lock().entry(topic).or_default().push(Member {
            socket,
            user,
            queue,
        });
        Seat { socket, frames }
    }

    pub fn leave(&self, topic: Topic, socket: Uuid) {
        let mut rooms = self.lock();
        if let Some(members) = rooms.get_mut(&topic) {
            members.retain(|m| m.socket != socket);
            if members.is_empty() {
                rooms.remove(&topic);
            }
        }
    }

    #[must_use]
    pub fn has(&self, topic: Topic) -> bool {
        self.lock().contains_key(&topic)
    }

    /// Queues a frame for the topic's sockets, of `only` that user when given, never of one in `except`.
    pub fn deliver(&self, topic: Topic, only: Option<i64>, except: &[i64], frame: &Arc<str>) {
        let mut rooms = self.lock();
        let Some(members) = rooms.get_mut(&topic) else {
            return;
        };
        members.retain(|m| {
            let meant = only.is_none_or(|u| u == m.user) && !except.contains(&m.user);
            // A full queue drops the member; its socket task sees the queue end and closes.
            !meant || m.queue.try_send(frame.clone()).is_ok()
        });
    }

    /// Every socket of this task: id, user, topic.
    #[must_use]
    pub fn sockets(&self) -> Vec<(Uuid, i64, String)> {
        let rooms = self.lock();
        let all = rooms
            .iter()
            .flat_map(|(topic, members)| members.iter().map(move |m| (m.socket, m.user, topic)));
        all.map(|(socket, user, topic)| (socket, user, topic.to_string()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_lags_is_dropped_and_others_are_not() {
        let hub = Hub::default();
        let mut slow = hub.join(Topic::Thread(1), 1);
        let mut quick = hub.join(Topic::Thread(1), 2);
        let frame: Arc<str> = "x".into();
        for _ in 0..=QUEUE {
            hub.deliver(Topic::Thread(1), None, &[], &frame);
            quick.frames.try_recv().unwrap();
        }
        for _ in 0..QUEUE {
            slow.frames.try_recv().unwrap();
        }
        assert_eq!(
            slow.frames.try_recv(),
            Err(mpsc::error::TryRecvError::Disconnected)
        );
        assert_eq!(hub.sockets().len(), 1);
    }

    #[test]
    fn frames_go_to_whom_they_are_meant_for() {
        let hub = Hub::default();
        let mut one = hub.join(Topic::Place(1), 1);
        let mut two = hub.join(Topic::Place(1), 2);
        hub.deliver(Topic::Place(1), None, &[3, 1], &"a".into());
        hub.deliver(Topic::Place(1), Some(1), &[], &"b".into());
        assert_eq!(
            (
                &*one.frames.try_recv().unwrap(),
                &*two.frames.try_recv().unwrap()
            ),
            ("b", "a")
        );
        assert!(one.frames.try_recv().is_err() && two.frames.try_recv().is_err());
    }

    #[test]
    fn topics_read_what_they_write() {
        for topic in [Topic::Thread(1), Topic::User(-2), Topic::Place(i64::MAX)] {
            assert_eq!(Topic::parse(&topic.to_string()), Some(topic));
        }
    }
}
