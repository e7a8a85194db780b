//! Eventual consistency: how long AWS may take to show what it has accepted, and when an absent
//! read becomes proof that a resource does not exist.
//!
//! ```text
//!   id given by AWS ──▶ await it, never create again ──▶ CATCHING_UP over: the step fails, journal open
//!   made recently (state, journal) and not shown ──▶ confirming reads ──▶ believed gone
//! ```

use std::time::Duration;

/// How long AWS may say "no such id" about an id that it gave itself (EC2's advice is to retry; the
/// Terraform provider does so for 2 min).
pub const CATCHING_UP: Duration = Duration::from_secs(120);
/// How long an accepted update may show the values from before it.
const UPDATE_SHOWN: Duration = Duration::from_secs(30);
/// What was made less than this ago is confirmed, though the settle window is smaller.
const RECENT: Duration = Duration::from_secs(5);
/// A window that somebody set very small, for a server that shows everything at once, bounds that
/// too: so many windows are the most.
const RECENT_WINDOWS: u32 = 8;

fn recent(settle_window: Duration) -> Duration {
    RECENT.min(settle_window * RECENT_WINDOWS)
}
/// How far apart the clocks of two machines may be: AWS refuses signatures that are further off.
const CLOCK_SKEW: Duration = Duration::from_secs(15 * 60);

/// How long a create that AWS answered with an id is awaited.
pub fn create_limit(settle_window: Duration) -> Duration {
    settle_window.max(CATCHING_UP)
}

/// How long an update that AWS accepted is awaited.
pub fn update_limit(settle_window: Duration) -> Duration {
    settle_window.max(UPDATE_SHOWN)
}

/// How long reads are repeated that fail because a part of AWS does not know an id yet.
pub fn read_limit(settle_window: Duration) -> Duration {
    settle_window.max(recent(settle_window))
}

/// How long, from now on, the absence of a resource made at `made_at` proves nothing. Both times in
/// milliseconds since 1970, perhaps by the clocks of two machines.
pub fn unproven_for(settle_window: Duration, made_at: u64, now: u64) -> Duration {
    let age = Duration::from_millis(now.saturating_sub(made_at));
    if age > settle_window + CLOCK_SKEW {
        return Duration::ZERO;
    }
    settle_window.max(recent(settle_window).saturating_sub(age))
}

/// Whether AWS may still answer "no such id" about what was made at `made_at`.
pub fn is_catching_up(made_at: u64, now: u64) -> bool {
    Duration::from_millis(now.abs_diff(made_at)) < CATCHING_UP
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(60);

    #[test]
    fn absence_is_unproven_while_clocks_or_lag_can_explain_it() {
        let made_at = 1_700_000_000_000;
        let after = |secs: u64| unproven_for(WINDOW, made_at, made_at + secs * 1000);
        assert_eq!(after(0), WINDOW);
        assert_eq!(after(900), WINDOW);
        assert_eq!(after(961), Duration::ZERO);
        // A clock that is behind the one that wrote the record.
        assert_eq!(unproven_for(WINDOW, made_at, made_at - 9_000_000), WINDOW);
    }

    #[test]
    fn a_small_window_confirms_what_was_made_just_now() {
        let window = Duration::from_secs(1);
        let after = |millis: u64| unproven_for(window, 1_000_000, 1_000_000 + millis);
        assert_eq!(after(500), Duration::from_millis(4_500));
        assert_eq!(after(4_500), window);
        assert_eq!(create_limit(window), CATCHING_UP);
        assert_eq!(update_limit(window), UPDATE_SHOWN);
        assert_eq!(create_limit(CATCHING_UP * 2), CATCHING_UP * 2);
        assert!(is_catching_up(1_000, 2_000) && !is_catching_up(0, 120_000));
    }
}
