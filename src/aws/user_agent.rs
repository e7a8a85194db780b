//! The user agent of every call: program, version and the id of this process, by which CloudTrail
//! and access logs tell its calls from others, and one run's from another's.

use std::sync::OnceLock;

use aws_config::{AppName, ConfigLoader, FrameworkMetadata};

use crate::model::process_id;

const PROGRAM: &str = env!("CARGO_PKG_NAME");
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// For clients other than the SDK's: `circles-infra/0.1.0 run/ab12cd`.
pub fn user_agent() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| format!("{PROGRAM}/{VERSION} run/{}", process_id()))
}

/// Adds `lib/circles-infra/0.1.0 lib/run/ab12cd app/circles-infra` to what the SDK says of itself.
/// A name of the user's own (`AWS_SDK_UA_APP_ID`) stays in place of the last.
pub(super) fn identify(mut loader: ConfigLoader) -> ConfigLoader {
    for (name, version) in [(PROGRAM, VERSION), ("run", process_id())] {
        if let Ok(metadata) = FrameworkMetadata::new(name, Some(version)) {
            loader = loader.framework_metadata(metadata);
        }
    }
    let own = std::env::var_os("AWS_SDK_UA_APP_ID").is_some_and(|name| !name.is_empty());
    match AppName::new(PROGRAM) {
        Ok(name) if !own => loader.app_name(name),
        _ => loader,
    }
}
