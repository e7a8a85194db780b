//! Version numbers as database engines write them: `15`, `15.7`, `11.22-rds.20240418`.

/// A version taken apart: its numbers, and what follows a hyphen.
#[derive(PartialEq, Eq)]
struct Version<'a> {
    numbers: Vec<u64>,
    suffix: Option<&'a str>,
}

fn parse(text: &str) -> Option<Version<'_>> {
    let (numbers, suffix) = match text.split_once('-') {
        Some((numbers, suffix)) => (numbers, Some(suffix)),
        None => (text, None),
    };
    let numbers: Option<Vec<u64>> = numbers.split('.').map(|part| part.parse().ok()).collect();
    Some(Version {
        numbers: numbers?,
        suffix,
    })
}

/// Whether `live` is a version that `desired` names: `15` names every 15.x, and a version without a suffix the ones with one (RDS marks
/// extended-support builds so).
pub fn names_version(desired: &str, live: &str) -> bool {
    if desired == live {
        return true;
    }
    let (Some(desired), Some(live)) = (parse(desired), parse(live)) else {
        return false;
    };
    match desired.suffix {
        Some(_) => desired == live,
        None => live.numbers.starts_with(&desired.numbers),
    }
}

/// Whether `live` is a later minor version, in the same line, than `desired` names: AWS upgraded it, and never goes back.
pub fn is_ahead(desired: &str, live: &str) -> bool {
    if names_version(desired, live) {
        return false;
    }
    let (Some(desired), Some(live)) = (parse(desired), parse(live)) else {
        return false;
    };
    // Of `15` alone, no minor version is later.
    let [line @ .., _] = desired.numbers.as_slice() else {
        return false;
    };
    !line.is_empty()
        && live.numbers.starts_with(line)
        && (live.numbers.as_slice(), live.suffix) > (desired.numbers.as_slice(), desired.suffix)
}

/// Whether going from `live` to `desired` would be a downgrade, of a minor or a major version.
pub fn is_downgrade(desired: &str, live: &str) -> bool {
    let (Some(to), Some(from)) = (parse(desired), parse(live)) else {
        return false;
    };
    !names_version(desired, live) && to.numbers < from.numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_names_what_it_begins() {
        for (desired, live) in [
            ("15", "15"),
            ("15", "15.7"),
            ("15.7", "15.7"),
            ("11.22", "11.22-rds.20240418"),
            ("11", "11.22-rds.20240418"),
            ("11.22-rds.20240418", "11.22-rds.20240418"),
            ("odd", "odd"),
        ] {
            assert!(names_version(desired, live), "{desired} {live}");
            assert!(!is_ahead(desired, live), "{desired} {live}");
        }
        for (desired, live) in [
            ("15", "150.1"),
            ("15.1", "15.10"),
            ("16", "15.7"),
            ("15.7", "15"),
            ("11.22-rds.20240418", "11.22"),
            ("odd", "15.7"),
        ] {
            assert!(!names_version(desired, live), "{desired} {live}");
        }
    }

    #[test]
    fn a_later_minor_version_is_ahead() {
        for (desired, live) in [
            ("15.7", "15.10"),
            ("15.7", "15.8"),
            ("15.9", "15.10-rds.20290101"),
            ("11.22-rds.20240418", "11.22-rds.20250101"),
            ("9.6.10", "9.6.24"),
        ] {
            assert!(is_ahead(desired, live), "{desired} {live}");
        }
        for (desired, live) in [
            ("15.10", "15.7"),
            ("15.7", "16.1"),
            ("15", "16.1"),
            ("16", "15.10"),
            ("15.7", ""),
            ("", "15.7"),
        ] {
            assert!(!is_ahead(desired, live), "{desired} {live}");
        }
    }

    #[test]
    fn a_downgrade_is_told_from_an_upgrade() {
        for (desired, live, downgrade) in [
            ("15.7", "15.10", true),
            ("15", "16.1", true),
            ("15.7", "16.1", true),
            ("16", "15.7", false),
            ("15", "15.7", false),
            ("15.10", "15.7", false),
        ] {
            assert_eq!(is_downgrade(desired, live), downgrade, "{desired} {live}");
        }
    }
}
