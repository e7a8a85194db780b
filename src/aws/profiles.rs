//! Which profiles the AWS configuration has: for the message about one that it does not have, since the SDK tells neither names nor files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What was looked through, and what stands there.
#[derive(Debug)]
pub struct Profiles {
    /// Each file, and whether it could be read.
    files: Vec<(PathBuf, bool)>,
    names: BTreeSet<String>,
    /// Profile, name, value.
    settings: Vec<(String, String, String)>,
}

impl Profiles {
    pub fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// What a profile sets; what stands first wins, as in the SDKs.
    pub fn setting(&self, profile: &str, name: &str) -> Option<String> {
        self.settings
            .iter()
            .find(|(of, key, _)| of == profile && key == name)
            .map(|(_, _, value)| value.clone())
    }

    /// `/home/u/.aws/config has default, work; /home/u/.aws/credentials is not there`.
    pub fn told(&self) -> String {
        let (there, missing): (Vec<_>, Vec<_>) = self.files.iter().partition(|(_, read)| *read);
        let paths = |files: &[&(PathBuf, bool)]| {
            let texts: Vec<String> = files
                .iter()
                .map(|(path, _)| path.display().to_string())
                .collect();
            texts.join(" and ")
        };
        let names: Vec<&str> = self.names().collect();
        let mut told = Vec::new();
        if !there.is_empty() {
            let have = if names.is_empty() {
                "no profile".to_owned()
            } else {
                names.join(", ")
            };
            let verb = if there.len() == 1 { "has" } else { "have" };
            told.push(format!("{} {verb} {have}", paths(&there)));
        }
        if !missing.is_empty() {
            let verb = if missing.len() == 1 { "is" } else { "are" };
            told.push(format!("{} {verb} not there", paths(&missing)));
        }
        told.join("; ")
    }
}

/// Those of this machine. Where the files stand: AWS SDKs reference guide, "shared config and credentials files".
pub fn profiles() -> Profiles {
    let home = std::env::home_dir().unwrap_or_default();
    let place = |variable: &str, name: &str| match std::env::var_os(variable) {
        Some(path) if !path.is_empty() => PathBuf::from(path),
        _ => home.join(".aws").join(name),
    };
    read(
        place("AWS_CONFIG_FILE", "config"),
        place("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
    )
}

fn read(config: PathBuf, credentials: PathBuf) -> Profiles {
    let mut profiles = Profiles {
        files: Vec::new(),
        names: BTreeSet::new(),
        settings: Vec::new(),
    };
    for (path, prefixed) in [(config, true), (credentials, false)] {
        let text = text(&path);
        let mut profile = None;
        for line in text.iter().flat_map(|text| text.lines()) {
            if let Some(section) = section(line) {
                profile = profile_name(section, prefixed).map(str::to_owned);
                profiles.names.extend(profile.clone());
            } else if let (Some(of), Some((name, value))) = (&profile, setting(line)) {
                let (name, value) = (name.to_owned(), value.to_owned());
                profiles.settings.push((of.clone(), name, value));
            }
        }
        profiles.files.push((path, text.is_some()));
    }
    profiles
}

fn text(path: &Path) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

fn section(line: &str) -> Option<&str> {
    Some(line.trim().strip_prefix('[')?.split_once(']')?.0.trim())
}

/// The profile that a section is about; `[sso-session …]` and `[services …]` stand in the same
/// file.
fn profile_name(section: &str, prefixed: bool) -> Option<&str> {
    match section.strip_prefix("profile ") {
        Some(name) if prefixed => Some(name.trim()),
        _ if prefixed && section != "default" => None,
        _ => Some(section),
    }
}

/// `name = value`; a line that is indented belongs to a nested setting.
fn setting(line: &str) -> Option<(&str, &str)> {
    if line.starts_with([' ', '\t', '#', ';']) {
        return None;
    }
    let (name, value) = line.split_once('=')?;
    Some((name.trim(), value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_belongs_to_the_profile_it_stands_under() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("config");
        let text = "[profile work]\nca_bundle = /etc/work.pem\ns3 =\n  ca_bundle = no\n[sso-session s]\nca_bundle=/no\n[default]\n# ca_bundle = /no\n";
        std::fs::write(&config, text).expect("a file");
        let read = read(config, folder.path().join("credentials"));
        let bundle = |profile| read.setting(profile, "ca_bundle");
        assert_eq!(bundle("work").as_deref(), Some("/etc/work.pem"));
        assert_eq!(bundle("default"), None);
        assert_eq!(bundle("s"), None);
    }

    #[test]
    fn profiles_are_read_from_both_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let (config, credentials) = (
            folder.path().join("config"),
            folder.path().join("credentials"),
        );
        let text = "[default]\nregion = x\n[profile work]\n[sso-session s]\n[bare]\n";
        std::fs::write(&config, text).expect("a file");
        let some = read(config.clone(), credentials.clone());
        assert_eq!(some.names().collect::<Vec<_>>(), ["default", "work"]);
        let told = some.told();
        assert!(told.contains("config has default, work; "), "{told}");
        assert!(told.ends_with("credentials is not there"), "{told}");
        std::fs::write(&credentials, "[ci]\naws_access_key_id = x\n").expect("a file");
        let both = read(config, credentials);
        assert!(both.has("ci") && both.has("work") && !both.has("bare"));
    }
}
