//! What a region is called.

use super::suggest::nearest;

/// Those that AWS has; new ones come, so one that merely looks like a region is let through.
const KNOWN: &[&str] = &[
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-west-1",
    "us-west-2",
];

/// Whether it could be one: `eu-central-1`, `us-gov-west-1`.
pub fn fits(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    let [land, middle @ .., number] = parts.as_slice() else {
        return false;
    };
    let letters = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    land.len() == 2
        && letters(land)
        && !middle.is_empty()
        && middle.iter().all(|part| letters(part))
        && number.len() == 1
        && number.bytes().all(|b| b.is_ascii_digit())
}

/// What to write instead.
pub fn help(name: &str) -> String {
    match nearest(name, KNOWN.iter().copied()) {
        Some(known) => format!("did you mean `{known}`?"),
        None => "a region is called as in `us-east-1` or `eu-central-1`".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_has_a_land_a_side_and_a_number() {
        assert!(KNOWN.iter().all(|known| fits(known)));
        assert!(fits("xx-nowhere-9"), "one that AWS may have tomorrow");
        for wrong in [
            "",
            "mars-1",
            "useast1",
            "us-east",
            "us-east-1a",
            "US-EAST-1",
            "us--1",
        ] {
            assert!(!fits(wrong), "{wrong}");
        }
        assert_eq!(help("us-east1"), "did you mean `us-east-1`?");
    }
}
