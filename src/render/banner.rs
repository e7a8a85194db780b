//! The first line of every command: whose world it is about to look at.

use super::palette::{Palette, Tone};
use super::shown::clean;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Banner {
    pub stack: String,
    pub environment: String,
    pub account: String,
    pub region: String,
    pub sandbox: bool,
    /// The caller's ARN, as STS says.
    pub caller: String,
    /// A custom endpoint; not said of the sandbox, which always has one.
    pub endpoint: Option<String>,
}

impl Banner {
    /// `circles/dev · account 000000000000 · us-east-1 · SANDBOX`.
    pub fn text(&self, palette: Palette) -> String {
        let mut parts = vec![
            palette.paint(
                Tone::Strong,
                &format!("{}/{}", clean(&self.stack), clean(&self.environment)),
            ),
            format!("account {}", clean(&self.account)),
            clean(&self.region).into_owned(),
        ];
        if self.sandbox {
            parts.push(palette.paint(Tone::Warning, "SANDBOX"));
        } else {
            if let Some(endpoint) = &self.endpoint {
                parts.push(format!("endpoint {}", clean(endpoint)));
            }
            if !self.caller.is_empty() {
                parts.push(palette.paint(Tone::Faint, &format!("as {}", clean(&self.caller))));
            }
        }
        parts.join(" · ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_account_region_environment_and_sandbox() {
        let mut banner = Banner {
            stack: "circles".into(),
            environment: "dev".into(),
            account: "000000000000".into(),
            region: "us-east-1".into(),
            sandbox: true,
            caller: "arn:aws:iam::000000000000:user/x".into(),
            endpoint: Some("http://127.0.0.1:5000".into()),
        };
        assert_eq!(
            banner.text(Palette::PLAIN),
            "circles/dev · account 000000000000 · us-east-1 · SANDBOX"
        );
        banner.sandbox = false;
        assert_eq!(
            banner.text(Palette::PLAIN),
            "circles/dev · account 000000000000 · us-east-1 · endpoint http://127.0.0.1:5000 · as arn:aws:iam::000000000000:user/x"
        );
    }
}
