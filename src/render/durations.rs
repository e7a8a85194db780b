//! Times as people say them.

use std::time::Duration;

/// `0.4 s`, `12 s`, `3 min 20 s`, `1 h 5 min`.
pub fn say(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => {
            let tenths = duration.as_millis() / 100;
            format!("{}.{} s", tenths / 10, tenths % 10)
        }
        10..60 => format!("{seconds} s"),
        60..3600 => join(seconds / 60, "min", seconds % 60, "s"),
        _ => join(seconds / 3600, "h", seconds % 3600 / 60, "min"),
    }
}

/// For estimates: no false precision. `under a minute`, `about 4 min`.
pub fn roughly(duration: Duration) -> String {
    match duration.as_secs() {
        0..=5 => "a few seconds".into(),
        s @ 6..50 => format!("about {} s", s.div_ceil(10) * 10),
        s => format!("about {} min", (s + 30) / 60),
    }
}

fn join(large: u64, large_unit: &str, small: u64, small_unit: &str) -> String {
    if small == 0 {
        format!("{large} {large_unit}")
    } else {
        format!("{large} {large_unit} {small} {small_unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_people_say_them() {
        for (millis, text) in [
            (0, "0.0 s"),
            (420, "0.4 s"),
            (9_990, "9.9 s"),
            (12_400, "12 s"),
            (60_000, "1 min"),
            (200_000, "3 min 20 s"),
            (3_600_000, "1 h"),
            (3_900_000, "1 h 5 min"),
        ] {
            assert_eq!(say(Duration::from_millis(millis)), text);
        }
        for (seconds, text) in [
            (0, "a few seconds"),
            (12, "about 20 s"),
            (50, "about 1 min"),
            (230, "about 4 min"),
        ] {
            assert_eq!(roughly(Duration::from_secs(seconds)), text);
        }
    }
}
