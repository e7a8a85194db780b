//! Names of journal segments.

/// Runs are numbered downwards from here, so that the newest comes first in a listing.
const LAST: u64 = 99_999_999;

/// One append of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    pub run: u64,
    /// From 1, without gaps.
    pub number: u64,
}

impl Segment {
    pub fn name(&self) -> String {
        format!("journal/{}/{:08}", run_name(self.run), self.number)
    }
}

/// A run's folder.
pub fn run_name(run: u64) -> String {
    format!("{:08}", LAST.saturating_sub(run))
}

/// The run whose folder a name below `journal/` begins with.
pub fn run_of(name: &str) -> Option<u64> {
    let number: u64 = name.split('/').next()?.parse().ok()?;
    LAST.checked_sub(number)
}

/// How many segments there are, by their names in one run's folder.
///
/// # Errors
/// What is wrong with them.
pub fn count(names: &[String]) -> Result<u64, String> {
    for (expected, name) in (1..).zip(names) {
        let number: u64 = name
            .parse()
            .map_err(|_| format!("`{name}` is no journal segment"))?;
        if number != expected {
            return Err(format!(
                "segment {expected:08} is missing, {name} is there: move the folder away; what it tells of is found again by its tags"
            ));
        }
    }
    Ok(names.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_runs_come_first_and_segments_in_order() {
        let name = |run, number| Segment { run, number }.name();
        assert!(name(2, 1) < name(1, 1));
        assert!(name(1, 9) < name(1, 10));
        assert!(name(1, 99_999_999) < format!("journal/{}/run", run_name(1)));
        assert_eq!(run_of("99999998/00000001"), Some(1));
        assert_eq!(run_of("else"), None);
    }

    #[test]
    fn a_gap_is_named() {
        let names = |all: &[&str]| all.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        assert_eq!(count(&names(&["00000001", "00000002"])), Ok(2));
        let wrong = count(&names(&["00000001", "00000003"])).unwrap_err();
        assert!(wrong.starts_with("segment 00000002 is missing"), "{wrong}");
        assert!(count(&names(&["notes.txt"])).is_err());
    }
}
