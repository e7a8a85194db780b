//! The authorities that certificates are checked against, where the user names them:
//! `AWS_CA_BUNDLE`, or `ca_bundle` of the profile, as in the AWS CLI. The Rust SDK reads neither
//! (awslabs/aws-sdk-rust#1362). As there, the bundle stands in place of the system's authorities.

use std::path::PathBuf;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::profiles::profiles;

/// A readable bundle of certificates.
#[derive(Clone, Debug)]
pub struct CaBundle {
    /// PEM, checked: the TLS library panics on what it cannot parse.
    pub pem: Vec<u8>,
}

/// A bundle that is named and cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the CA bundle {} (from {origin}) cannot be used: {why}", path.display())]
pub struct BundleError {
    path: PathBuf,
    origin: String,
    why: String,
}

impl CaBundle {
    /// The one that the environment names, or else that profile; `None`: the system's authorities.
    pub fn load(profile: Option<&str>) -> Result<Option<Self>, BundleError> {
        match std::env::var_os("AWS_CA_BUNDLE").filter(|path| !path.is_empty()) {
            Some(path) => Self::read(path.into(), "AWS_CA_BUNDLE".into()).map(Some),
            None => {
                let profile = profile.unwrap_or("default");
                profiles()
                    .setting(profile, "ca_bundle")
                    .map(|path| Self::read(expand_home(&path), format!("profile {profile}")))
                    .transpose()
            }
        }
    }

    fn read(path: PathBuf, origin: String) -> Result<Self, BundleError> {
        let checked = std::fs::read(&path)
            .map_err(|e| e.to_string())
            .and_then(|pem| check(&pem).map(|()| pem));
        match checked {
            Ok(pem) => Ok(Self { pem }),
            Err(why) => Err(BundleError { path, origin, why }),
        }
    }
}

/// At least one certificate, and all of them whole.
fn check(pem: &[u8]) -> Result<(), String> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|e| format!("it is not PEM: {e}"))?;
        roots
            .add(certificate)
            .map_err(|e| format!("a certificate in it is damaged: {e}"))?;
    }
    if roots.is_empty() {
        return Err("it contains no certificate in PEM form".into());
    }
    Ok(())
}

fn expand_home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_that_is_missing_empty_or_damaged_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text, why) in [
            ("missing.pem", None, "No such file"),
            ("empty.pem", Some(""), "no certificate"),
            ("words.pem", Some("no certificate here\n"), "no certificate"),
            (
                "damaged.pem",
                Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
                "damaged",
            ),
            (
                "cut.pem",
                Some("-----BEGIN CERTIFICATE-----\nMIIB\n"),
                "it is not PEM",
            ),
        ] {
            let path = folder.path().join(name);
            if let Some(text) = text {
                std::fs::write(&path, text).expect("a file");
            }
            let error = CaBundle::read(path, "AWS_CA_BUNDLE".into()).expect_err(name);
            let text = error.to_string();
            assert!(
                text.contains(name) && text.contains("AWS_CA_BUNDLE"),
                "{text}"
            );
            assert!(text.contains(why), "{text}");
        }
    }
}
