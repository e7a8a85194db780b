//! Who may assume a pipeline's role: jobs of one repository, by their CI system's OpenID Connect
//! tokens.

use std::fmt;
use std::str::FromStr;

use serde_json::{Value as Json, json};

/// Where a pipeline's own roles and policies stand: outside of the path that a stack's roles have,
/// so that no stack can write them.
pub const PIPELINE_PATH: &str = "/circles-infra-pipeline/";

/// Stands for an account that is not known.
pub const NO_ACCOUNT: &str = "ACCOUNT_ID";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CiSystem {
    GitHub,
    GitLab,
}

/// One repository of a CI system, or one environment of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    pub system: CiSystem,
    /// `OWNER/REPO`, or a GitLab project with its groups.
    pub path: String,
    /// Only jobs of this environment; GitHub alone.
    pub environment: Option<String>,
}

/// Which jobs of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Jobs {
    /// Of pull requests and of the branch: for a role that reads.
    Review(String),
    /// Of the branch, or of the environment.
    Ship(String),
}

/// Why a text names no repository.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` must be github:OWNER/REPO, github:OWNER/REPO:ENVIRONMENT or gitlab:GROUP/PROJECT, without wildcards"
)]
pub struct NotARepository(String);

impl FromStr for Repository {
    type Err = NotARepository;

    fn from_str(text: &str) -> Result<Self, NotARepository> {
        let wrong = || NotARepository(text.to_owned());
        let (system, rest) = text.split_once(':').ok_or_else(wrong)?;
        let (system, path, environment) = match system {
            "github" => {
                let (path, environment) = match rest.split_once(':') {
                    Some((path, environment)) => (path, Some(environment.to_owned())),
                    None => (rest, None),
                };
                (CiSystem::GitHub, path, environment)
            }
            "gitlab" => (CiSystem::GitLab, rest, None),
            _ => return Err(wrong()),
        };
        let parts = path.split('/').count();
        let fits = match system {
            CiSystem::GitHub => parts == 2,
            CiSystem::GitLab => parts >= 2,
        };
        let is_environment = |name: &String| {
            !name.is_empty()
                && !name.contains(['*', '?', ':', '$'])
                && !name.chars().any(char::is_control)
        };
        if !fits || !path.split('/').all(is_name) || !environment.iter().all(is_environment) {
            return Err(wrong());
        }
        Ok(Self {
            system,
            path: path.to_owned(),
            environment,
        })
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let system = match self.system {
            CiSystem::GitHub => "github",
            CiSystem::GitLab => "gitlab",
        };
        write!(f, "{system}:{}", self.path)?;
        match &self.environment {
            Some(environment) => write!(f, ":{environment}"),
            None => Ok(()),
        }
    }
}

impl Repository {
    /// The issuer of the tokens, without `https://`.
    pub fn issuer(&self) -> &'static str {
        match self.system {
            CiSystem::GitHub => "token.actions.githubusercontent.com",
            CiSystem::GitLab => "gitlab.com",
        }
    }

    /// Whom the tokens are for: what AWS's action asks GitHub for, and what GitLab's guide has a
    /// job ask for.
    pub fn audience(&self) -> &'static str {
        match self.system {
            CiSystem::GitHub => "sts.amazonaws.com",
            CiSystem::GitLab => "https://gitlab.com",
        }
    }

    pub fn provider_arn(&self, partition: &str, account: &str) -> String {
        format!(
            "arn:{partition}:iam::{account}:oidc-provider/{}",
            self.issuer()
        )
    }

    /// The role's trust policy.
    pub fn trust(&self, jobs: &Jobs, partition: &str, account: &str) -> Json {
        let issuer = self.issuer();
        let (operator, subject) = self.subjects(jobs);
        let mut condition = json!({
            "StringEquals": { format!("{issuer}:aud"): self.audience() },
        });
        condition[operator][format!("{issuer}:sub")] = subject;
        json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": { "Federated": self.provider_arn(partition, account) },
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": condition,
            }],
        })
    }

    /// The tokens' subjects, and how they are compared. GitHub's documentation, "OpenID Connect
    /// reference"; GitLab's, "OpenID Connect in AWS".
    fn subjects(&self, jobs: &Jobs) -> (&'static str, Json) {
        match (self.system, jobs) {
            (CiSystem::GitHub, Jobs::Ship(branch)) => {
                ("StringEquals", json!(self.github_subject(branch)))
            }
            (CiSystem::GitHub, Jobs::Review(branch)) => {
                let pulls = format!("repo:{}:pull_request", self.path);
                let of_branch = format!("repo:{}:ref:refs/heads/{branch}", self.path);
                ("StringEquals", json!([pulls, of_branch]))
            }
            (CiSystem::GitLab, Jobs::Ship(branch)) => {
                ("StringEquals", json!(self.gitlab_subject(branch)))
            }
            // A merge request's jobs run on its own branch.
            (CiSystem::GitLab, Jobs::Review(_)) => ("StringLike", json!(self.gitlab_subject("*"))),
        }
    }

    fn github_subject(&self, branch: &str) -> String {
        match &self.environment {
            Some(environment) => format!("repo:{}:environment:{environment}", self.path),
            None => format!("repo:{}:ref:refs/heads/{branch}", self.path),
        }
    }

    fn gitlab_subject(&self, branch: &str) -> String {
        format!("project_path:{}:ref_type:branch:ref:{branch}", self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(text: &str) -> Repository {
        text.parse().unwrap()
    }

    #[test]
    fn a_repository_is_read_and_written() {
        for text in [
            "github:acme/circles",
            "github:acme/circles:production",
            "gitlab:acme/web/circles",
        ] {
            assert_eq!(repository(text).to_string(), text);
        }
        for text in [
            "github:acme",
            "github:acme/*",
            "github:acme/a/b",
            "github:acme/circles:",
            "github:acme/circles:*",
            "gitlab:acme",
            "gitlab:acme/circles:production",
            "bitbucket:acme/circles",
            "acme/circles",
            "github:acme/ circles",
        ] {
            assert!(text.parse::<Repository>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_role_trusts_one_repository_and_nothing_like_it() {
        let of = |text: &str, jobs: &Jobs| {
            repository(text).trust(jobs, "aws", "111122223333")["Statement"][0]["Condition"].clone()
        };
        let ship = Jobs::Ship("main".into());
        let review = Jobs::Review("main".into());
        assert_eq!(
            of("github:acme/circles", &ship),
            json!({ "StringEquals": {
                "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                "token.actions.githubusercontent.com:sub": "repo:acme/circles:ref:refs/heads/main",
            } })
        );
        assert_eq!(
            of("github:acme/circles:production", &ship)["StringEquals"]["token.actions.githubusercontent.com:sub"],
            "repo:acme/circles:environment:production"
        );
        assert_eq!(
            of("github:acme/circles", &review)["StringEquals"]["token.actions.githubusercontent.com:sub"],
            json!([
                "repo:acme/circles:pull_request",
                "repo:acme/circles:ref:refs/heads/main"
            ])
        );
        assert_eq!(
            of("gitlab:acme/circles", &ship)["StringEquals"]["gitlab.com:sub"],
            "project_path:acme/circles:ref_type:branch:ref:main"
        );
        assert_eq!(
            of("gitlab:acme/circles", &review),
            json!({
                "StringEquals": { "gitlab.com:aud": "https://gitlab.com" },
                "StringLike": { "gitlab.com:sub": "project_path:acme/circles:ref_type:branch:ref:*" },
            })
        );
    }

    #[test]
    fn the_provider_is_of_the_account() {
        let trust = repository("github:acme/circles").trust(
            &Jobs::Ship("main".into()),
            "aws-us-gov",
            "111122223333",
        );
        assert_eq!(
            trust["Statement"][0]["Principal"]["Federated"],
            "arn:aws-us-gov:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
        );
    }
}
