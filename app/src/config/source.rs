//! Where settings are read from, and the problems met on the way.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::secret::Secret;

/// Settings by name, and what was wrong with them.
#[derive(Debug, Default)]
pub struct Source {
    found: HashMap<String, String>,
    problems: Vec<String>,
    warnings: Vec<String>,
}

/// Everything that keeps the service from starting. Names settings, never values.
#[derive(Debug)]
pub struct ConfigError(Vec<String>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the service cannot start with these settings:")?;
        for problem in &self.0 {
            writeln!(f, "  - {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// Whether a text means yes.
pub(super) fn is_true(value: &str) -> bool {
    matches!(
        value.trim().to_ascii_lowercase().as_str(),
        "1" | "true" | "yes" | "on" | "t" | "y"
    )
}

impl Source {
    /// Takes names and values as the environment gives them.
    #[must_use]
    pub fn new(found: HashMap<String, String>) -> Source {
        let found = found
            .into_iter()
            .map(|(name, value)| (name.to_ascii_uppercase(), value))
            .collect();
        Source {
            found,
            ..Source::default()
        }
    }

    /// Takes names and values of a file, and of the environment, which wins in whatever case either writes a name.
    #[must_use]
    pub fn layered(
        file: impl IntoIterator<Item = (String, String)>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Source {
        let mut source = Source::new(file.into_iter().collect());
        let over = Source::new(environment.into_iter().collect());
        source.found.extend(over.found);
        source
    }

    /// Something put up with that whoever runs the service should know.
    pub(super) fn warn(&mut self, name: &str, what: &str) {
        self.warnings.push(format!("APP_{name} {what}"));
    }

    pub(super) fn warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }

    pub(super) fn problem(&mut self, name: &str, what: &str) {
        self.problems.push(format!("APP_{name} {what}"));
    }

    pub(super) fn finish<T>(self, value: T) -> Result<T, ConfigError> {
        if self.problems.is_empty() {
            Ok(value)
        } else {
            Err(ConfigError(self.problems))
        }
    }

    pub(super) fn text_opt(&self, name: &str) -> Option<String> {
        self.found
            .get(&format!("APP_{name}"))
            .map(|v| v.trim().to_owned())
            .filter(|v| !v.is_empty())
    }

    pub(super) fn text(&self, name: &str, default: &str) -> String {
        self.text_opt(name).unwrap_or_else(|| default.to_owned())
    }

    pub(super) fn secret(&self, name: &str) -> Option<Secret> {
        self.text_opt(name).map(Secret::new)
    }

    /// S3 settings are accepted without the prefix too; the prefixed one wins.
    pub(super) fn plain_or_prefixed(&self, name: &str) -> Option<String> {
        self.text_opt(name)
            .or_else(|| self.found.get(name).cloned().filter(|v| !v.is_empty()))
    }

    pub(super) fn bool(&mut self, name: &str, default: bool) -> bool {
        match self.text_opt(name) {
            None => default,
            Some(v) if is_true(&v) => true,
            Some(v)
                if matches!(
                    v.to_ascii_lowercase().as_str(),
                    "0" | "false" | "no" | "off" | "f" | "n"
                ) =>
            {
                false
            }
            Some(_) => {
                self.problem(name, "must be true or false");
                default
            }
        }
    }

    pub(super) fn number<T: FromStr>(&mut self, name: &str, default: T) -> T {
        match self.text_opt(name).map(|v| v.parse()) {
            None => default,
            Some(Ok(value)) => value,
            Some(Err(_)) => {
                self.problem(name, "must be a number");
                default
            }
        }
    }

    pub(super) fn seconds(&mut self, name: &str, default: f64) -> Duration {
        let seconds: f64 = self.number(name, default);
        Duration::try_from_secs_f64(seconds).unwrap_or_else(|_| {
            self.problem(name, "must be a number of seconds, zero or more");
            Duration::ZERO
        })
    }

    /// A JSON array or a comma list.
    pub(super) fn list(&mut self, name: &str, default: &str) -> Vec<String> {
        let text = self.text(name, default);
        if text.starts_with('[') {
            return serde_json::from_str(&text).unwrap_or_else(|_| {
                self.problem(name, "starts like a JSON array but is none");
                Vec::new()
            });
        }
        text.split(',')
            .map(|part| part.trim().to_owned())
            .filter(|part| !part.is_empty())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn config(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let all = pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Config::read(Source::new(all.collect()))
    }

    #[test]
    fn outside_debug_every_missing_secret_is_named_at_once() {
        let told = config(&[("APP_STORAGE_BACKEND", "local")])
            .unwrap_err()
            .to_string();
        assert!(told.contains("APP_JWT_SECRET_KEY is not set"), "{told}");
        assert!(told.contains("APP_OTP_SECRET_KEY is not set"), "{told}");
    }

    #[test]
    fn a_short_secret_is_refused_without_being_shown() {
        let told = config(&[
            ("APP_STORAGE_BACKEND", "local"),
            ("APP_JWT_SECRET_KEY", "hunter2hunter2"),
        ]);
        let told = told.unwrap_err().to_string();
        assert!(told.contains("APP_JWT_SECRET_KEY is shorter"), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }

    #[test]
    fn codes_go_to_the_log_in_debug_only() {
        let secret = "0123456789abcdef0123456789abcdef";
        let base = [
            ("APP_STORAGE_BACKEND", "local"),
            ("APP_JWT_SECRET_KEY", secret),
            ("APP_OTP_SECRET_KEY", secret),
        ];
        let mut with_log = base.to_vec();
        with_log.push(("APP_SMS_SENDER", "log"));
        assert!(config(&with_log).is_err());
        with_log.push(("APP_DEBUG", "true"));
        assert!(config(&with_log).is_ok());
    }

    #[test]
    fn origins_are_a_comma_list_or_a_json_array_and_names_ignore_case() {
        for text in ["http://a,http://b", r#"["http://a", "http://b"]"#] {
            let c = config(&[
                ("app_debug", "1"),
                ("App_Storage_Backend", "local"),
                ("APP_CORS_ALLOWED_ORIGINS", text),
            ]);
            assert_eq!(c.unwrap().cors_origins, ["http://a", "http://b"]);
        }
    }

    #[test]
    fn debug_needs_nothing_else_and_says_what_it_made_up() {
        let c = config(&[("APP_DEBUG", "true")]).unwrap();
        assert!(matches!(
            c.storage,
            super::super::StorageConfig::Local { .. }
        ));
        assert!(c.made_up.jwt && c.made_up.otp);
        for name in ["APP_JWT_SECRET_KEY", "APP_OTP_SECRET_KEY", "APP_S3_BUCKET"] {
            assert!(c.warnings.iter().any(|w| w.starts_with(name)), "{name}");
        }
        let told = config(&[("APP_DEBUG", "true"), ("APP_STORAGE_BACKEND", "s3")]);
        let told = told.unwrap_err().to_string();
        assert!(told.contains("APP_S3_BUCKET is not set"), "{told}");
        assert!(
            config(&[])
                .unwrap_err()
                .to_string()
                .contains("APP_S3_BUCKET")
        );
    }

    #[test]
    fn the_environment_wins_over_the_file_in_either_case() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let file = [pair("app_port", "1"), pair("APP_LOCAL_FOLDER", "kept")];
        let environment = [pair("APP_PORT", "2")];
        let source = Source::layered(file.clone(), environment.clone());
        assert_eq!(source.text("PORT", ""), "2");
        assert_eq!(source.text("LOCAL_FOLDER", ""), "kept");
        let source = Source::layered(environment, file);
        assert_eq!(source.text("PORT", ""), "1");
    }

    #[test]
    fn the_demo_key_counts_as_no_key_and_s3_names_go_without_prefix() {
        let c = config(&[
            ("APP_DEBUG", "true"),
            ("S3_BUCKET", "media"),
            ("APP_FOURSQUARE_API_KEY", "demo_key_for_testing"),
        ])
        .unwrap();
        assert!(c.external.foursquare.is_none());
        assert!(
            matches!(c.storage, super::super::StorageConfig::S3(ref s3) if s3.bucket == "media")
        );
    }
}
