//! How many frames one connection may send. Each may cost a statement and a notification to every task.

use std::time::Instant;

/// Typing is repeated while somebody writes, and ends by itself after five seconds: what comes more often than this tells nothing.
const TYPING: Rate = Rate {
    burst: 5.0,
    per_second: 1.0,
};
/// Everything but pings and typing.
const FRAMES: Rate = Rate {
    burst: 120.0,
    per_second: 10.0,
};
/// All frames, of any kind. A client that goes on when it is refused is cut off.
const ALL: Rate = Rate {
    burst: 2000.0,
    per_second: 50.0,
};

struct Rate {
    burst: f64,
    per_second: f64,
}

/// What to do with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    Pass,
    /// Nobody misses it.
    Ignore,
    /// The client is to know that it was not taken.
    Refuse,
    /// The connection is to be closed.
    Flood,
}

/// A bucket that fills up again.
struct Bucket {
    rate: &'static Rate,
    tokens: f64,
    filled_at: Instant,
}

impl Bucket {
    fn new(rate: &'static Rate, now: Instant) -> Bucket {
        Bucket {
            rate,
            tokens: rate.burst,
            filled_at: now,
        }
    }

    fn take(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.filled_at).as_secs_f64();
        self.filled_at = now;
        self.tokens = (self.tokens + passed * self.rate.per_second).min(self.rate.burst);
        let fits = self.tokens >= 1.0;
        if fits {
            self.tokens -= 1.0;
        }
        fits
    }
}

/// The buckets of one connection.
pub struct FrameLimits {
    typing: Bucket,
    frames: Bucket,
    all: Bucket,
}

impl FrameLimits {
    #[must_use]
    pub fn new() -> FrameLimits {
        let now = Instant::now();
        FrameLimits {
            typing: Bucket::new(&TYPING, now),
            frames: Bucket::new(&FRAMES, now),
            all: Bucket::new(&ALL, now),
        }
    }

    /// Counts a frame of this kind.
    pub fn admit(&mut self, kind: &str) -> Admission {
        self.admit_at(kind, Instant::now())
    }

    fn admit_at(&mut self, kind: &str, now: Instant) -> Admission {
        if !self.all.take(now) {
            return Admission::Flood;
        }
        match kind {
            "ping" => Admission::Pass,
            "typing" | "typing_stop" if self.typing.take(now) => Admission::Pass,
            "typing" | "typing_stop" => Admission::Ignore,
            _ if self.frames.take(now) => Admission::Pass,
            _ => Admission::Refuse,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn passed(limits: &mut FrameLimits, kind: &str, frames: usize, now: Instant) -> usize {
        (0..frames)
            .filter(|_| limits.admit_at(kind, now) == Admission::Pass)
            .count()
    }

    #[test]
    fn a_thousand_typing_frames_are_five() {
        let mut limits = FrameLimits::new();
        let now = Instant::now();
        assert_eq!(passed(&mut limits, "typing", 1000, now), 5);
        assert_eq!(limits.admit_at("typing_stop", now), Admission::Ignore);
        let later = now + Duration::from_secs(2);
        assert_eq!(passed(&mut limits, "typing", 10, later), 2);
        assert_eq!(limits.admit_at("message", later), Admission::Pass);
    }

    #[test]
    fn other_frames_are_refused_and_a_flood_ends_the_connection() {
        let mut limits = FrameLimits::new();
        let now = Instant::now();
        assert_eq!(passed(&mut limits, "reaction", 1000, now), 120);
        assert_eq!(limits.admit_at("mark_read", now), Admission::Refuse);
        let pings = 2000 - 1001;
        assert_eq!(passed(&mut limits, "ping", 1500, now), pings);
        assert_eq!(limits.admit_at("ping", now), Admission::Flood);
    }
}
