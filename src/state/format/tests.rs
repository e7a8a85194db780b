use super::*;
use crate::model::{Address, Scope};
use crate::state::StateKey;

/// Written by this program when 1 was its format.
const ONE: &str = include_str!("1.json");
/// The same, before zones and commits were kept.
const FIRST: &str = include_str!("1-first.json");
/// What becomes of the first of them.
const TWO: &str = include_str!("2.json");

fn key() -> StateKey {
    StateKey {
        scope: Scope {
            stack: "shop".into(),
            environment: "dev".into(),
            account: "000000000000".into(),
            region: "us-east-1".into(),
            partition: "aws".into(),
        },
        endpoint: None,
    }
}

fn parse(text: &str) -> Result<Snapshot, String> {
    Snapshot::parse(text.as_bytes(), "state.json", &key()).map_err(|e| e.to_string())
}

#[test]
fn every_older_format_climbs_to_that_of_today() {
    let migrated = parse(ONE).unwrap();
    let text = String::from_utf8(migrated.text().unwrap()).unwrap();
    assert_eq!(text, TWO, "2.json is what a state of today looks like");
    assert_eq!(parse(TWO).unwrap(), migrated);
    assert_eq!(migrated.resources.len(), 3);
    let (address, leftover) = &migrated.leftovers[0];
    assert_eq!(
        (address, leftover.generation),
        (&Address::new("alb/group"), 1)
    );
    assert_eq!(migrated.zones, ["us-east-1a", "us-east-1b"]);
    assert!(migrated.resources[&Address::new("config")].protect);
    let first = parse(FIRST).unwrap();
    assert_eq!(first.resources, migrated.resources);
    assert!(first.zones.is_empty() && first.leftovers.is_empty());
}

#[test]
fn there_is_a_fixture_of_every_format_and_the_head_says_the_newest() {
    let number = |text: &str| {
        let all: Json = serde_json::from_str(text).unwrap();
        u32::try_from(all["format"].as_u64().unwrap()).unwrap()
    };
    let all: Vec<u32> = [ONE, TWO].map(number).into();
    assert_eq!(all, (1..=FORMAT).collect::<Vec<_>>());
    assert!(HEAD.starts_with(&format!("{{\"format\":{FORMAT},")));
}

#[test]
fn every_edit_of_a_state_is_seen() {
    // Each byte but the white space at the end, in some other value.
    for at in 0..TWO.len() - 1 {
        let mut bytes = TWO.as_bytes().to_vec();
        bytes[at] ^= 1;
        let error = Snapshot::parse(&bytes, "state.json", &key()).unwrap_err();
        assert!(error.to_string().contains("state.json"), "{error}");
    }
    for cut in 0..TWO.len() - 1 {
        parse(&TWO[..cut]).unwrap_err();
    }
    let pretty: Json = serde_json::from_str(TWO).unwrap();
    let error = parse(&serde_json::to_string_pretty(&pretty).unwrap()).unwrap_err();
    assert!(error.contains("its checksum does not fit"), "{error}");
    let other = TWO.replacen("shop-2", "shop-3", 1);
    assert!(parse(&other).unwrap_err().contains("is damaged"));
}

#[test]
fn a_newer_format_is_refused_by_its_number_alone() {
    for text in [
        "{\"format\":3}",
        "{\"format\":9,\"resources\":17,\"checksum\":null}",
    ] {
        let error = parse(text).unwrap_err();
        assert!(
            error.contains("was written by a newer circles-infra (format")
                && error.contains("Upgrade circles-infra"),
            "{error}"
        );
    }
    // What the program that wrote format 1 made of format 2 was this too: the number stands where it looked for it.
    let first: Json = serde_json::from_str(TWO).unwrap();
    assert_eq!(first["format"], 2);
    assert!(parse("{\"format\":0}").unwrap_err().contains("format 0"));
}

#[test]
fn an_older_state_that_is_damaged_is_named_too() {
    let pair = ONE.replacen("[[\"alb/group\",", "[[", 1);
    assert_ne!(pair, ONE);
    assert!(parse(&pair).unwrap_err().contains("a leftover is not"));
    assert!(
        parse(&ONE[..ONE.len() / 2])
            .unwrap_err()
            .contains("is damaged")
    );
    let error = parse(&ONE.replacen("\"generation\":2", "\"generation\":0", 1)).unwrap_err();
    assert!(error.contains("breaks invariant 3"), "{error}");
}
