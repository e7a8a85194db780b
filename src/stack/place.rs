//! Where the stack stands: prefix, suffix, region.

use sha2::{Digest, Sha256};

use super::desk::Desk;
use super::environment::Environment;
use super::request::Facts;
use super::settings::Settings;
use crate::component::Place;
use crate::diagnostic::{Diagnostic, code};

/// The file says the region; a shell or `--region` that says another is a mistake.
pub fn region_clash(desk: &mut Desk<'_>, settings: &Settings, facts: &Facts) {
    if let Some(region) = &settings.region
        && *region != facts.region
    {
        desk.push(Diagnostic::error(
            code::REGION_CLASH,
            format!("the stack is of region {region}, not {}", facts.region),
        ))
        .help("leave `--region` out, or change `region:` in the file");
    }
}

pub fn place(
    name: &str,
    environment: &Environment<'_>,
    settings: &Settings,
    facts: Facts,
) -> Place {
    let suffix = settings.suffix.clone().unwrap_or_else(|| {
        derived_suffix(&[&facts.account, &facts.region, name, &environment.name])
    });
    Place {
        stack: name.to_owned(),
        environment: environment.name.clone(),
        prefix: if environment.is_default {
            name.to_owned()
        } else {
            format!("{name}-{}", environment.name)
        },
        suffix,
        account: facts.account,
        region: facts.region,
        partition: facts.partition,
        zones: facts.zones,
        limited_zones: facts.limited_zones,
    }
}

/// 8 characters of `[a-z0-9]` that depend on nothing but `of`, so that a lost state finds the same bucket again.
fn derived_suffix(of: &[&str]) -> String {
    const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let digest = Sha256::digest(of.join("\n"));
    digest
        .iter()
        .take(8)
        .map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]))
        .collect()
}
