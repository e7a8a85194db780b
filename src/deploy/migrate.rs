//! What a migration runs.

use super::image::Config;
use super::revision::Revision;

/// The command that the task gets: what the stack says, without its first word where the image's entry point is that program already.
pub fn command(
    said: &[String],
    revision: &Revision,
    container: &str,
    config: &Config,
) -> Vec<String> {
    let own = revision
        .definition
        .container_definitions()
        .iter()
        .find(|one| one.name() == Some(container))
        .map(|one| one.entry_point().to_vec())
        .filter(|words| !words.is_empty());
    let entrypoint = own.unwrap_or_else(|| config.entrypoint.clone());
    let program = |word: &String| word.rsplit('/').next().unwrap_or(word).to_owned();
    match (entrypoint.last(), said.first()) {
        (Some(last), Some(first)) if program(last) == program(first) => said[1..].to_vec(),
        _ => said.to_vec(),
    }
}
