//! Names as AWS takes them. Each line's facts are from the create call's page in the API reference.

use super::Seen;
use crate::diagnostic::code;
use crate::stack::desk::Desk;

/// What a name may look like.
struct Rule {
    kind: &'static str,
    field: &'static str,
    least: usize,
    most: usize,
    /// Characters beside `a-z` and digits.
    also: &'static str,
    upper: bool,
    check: fn(&str) -> Option<&'static str>,
}

const fn rule(
    kind: &'static str,
    field: &'static str,
    (least, most): (usize, usize),
    also: &'static str,
) -> Rule {
    Rule {
        kind,
        field,
        least,
        most,
        also,
        upper: true,
        check: |_| None,
    }
}

impl Rule {
    const fn lower(mut self) -> Self {
        self.upper = false;
        self
    }

    const fn check(mut self, check: fn(&str) -> Option<&'static str>) -> Self {
        self.check = check;
        self
    }
}

const RULES: &[Rule] = &[
    rule("elbv2.load_balancer", "name", (1, 32), "-").check(balancer),
    rule("elbv2.target_group", "name", (1, 32), "-").check(hyphens),
    rule(
        "ec2.security_group",
        "name",
        (1, 255),
        " ._-:/()#,@[]+=&;{}!$*",
    )
    .check(group),
    rule(
        "ec2.security_group",
        "description",
        (1, 255),
        " ._-:/()#,@[]+=&;{}!$*",
    ),
    rule("s3.bucket", "name", (3, 63), ".-")
        .lower()
        .check(bucket),
    rule("ecr.repository", "name", (2, 256), "-_./")
        .lower()
        .check(letter_first),
    rule("ecs.cluster", "name", (1, 255), "-_"),
    rule("ecs.service", "name", (1, 255), "-_"),
    rule("ecs.task_definition", "family", (1, 255), "-_"),
    rule("iam.role", "name", (1, 64), "_+=,.@-"),
    rule("iam.policy", "name", (1, 128), "_+=,.@-"),
    rule("logs.log_group", "name", (1, 512), "_-/.#"),
    rule("rds.db_instance", "identifier", (1, 63), "-").check(instance),
    rule("rds.db_instance", "db_name", (1, 63), "_").check(letter_first),
    rule("rds.db_instance", "username", (1, 63), "_").check(user),
    rule("rds.db_subnet_group", "name", (1, 255), "._- ").check(not_default),
    rule("rds.db_parameter_group", "name", (1, 255), "-").check(instance),
    rule("secretsmanager.secret", "name", (1, 512), "/_+=.@-").check(secret),
];

pub fn check(desk: &mut Desk<'_>, seen: &Seen<'_>) {
    for rule in RULES {
        for resource in seen.of_kind(rule.kind) {
            let value = seen.known(resource.attributes.get(rule.field));
            let Some(name) = value.as_text() else {
                continue;
            };
            let Some((why, help)) = rule.refuses(name) else {
                continue;
            };
            desk.error(
                code::NAME_RULE,
                seen.span(resource, rule.field),
                format!(
                    "`{name}` cannot be the {} of `{}` (a `{}`): {why}",
                    rule.field, resource.address, rule.kind
                ),
            )
            .help_if(help);
        }
    }
}

impl Rule {
    /// Why a name will not do, and one that would.
    fn refuses(&self, name: &str) -> Option<(String, Option<String>)> {
        let length = name.chars().count();
        if length < self.least || length > self.most {
            let bounds = format!("{} to {}", self.least, self.most);
            return Some((
                format!("it has {length} characters, and {bounds} are allowed"),
                None,
            ));
        }
        let fits = |c: char| {
            c.is_ascii_lowercase()
                || c.is_ascii_digit()
                || (self.upper && c.is_ascii_uppercase())
                || self.also.contains(c)
        };
        if let Some(wrong) = name.chars().find(|c| !fits(*c)) {
            let letters = if self.upper {
                "letters"
            } else {
                "lowercase letters"
            };
            let also: Vec<String> = self.also.chars().map(|c| format!("`{c}`")).collect();
            let better: String = name
                .chars()
                .map(|c| {
                    if self.upper {
                        c
                    } else {
                        c.to_ascii_lowercase()
                    }
                })
                .map(|c| if fits(c) { c } else { '-' })
                .collect();
            let is_better = better.chars().all(fits) && (self.check)(&better).is_none();
            return Some((
                format!("`{wrong}` is none of {letters}, digits, {}", also.join(" ")),
                is_better.then(|| format!("for example `{better}`")),
            ));
        }
        (self.check)(name).map(|why| (why.to_owned(), None))
    }
}

fn hyphens(name: &str) -> Option<&'static str> {
    (name.starts_with('-') || name.ends_with('-')).then_some("it begins or ends with a hyphen")
}

fn balancer(name: &str) -> Option<&'static str> {
    if name.starts_with("internal-") {
        return Some("`internal-` at the beginning is reserved");
    }
    hyphens(name)
}

fn group(name: &str) -> Option<&'static str> {
    name.starts_with("sg-")
        .then_some("`sg-` at the beginning is reserved")
}

fn bucket(name: &str) -> Option<&'static str> {
    let alphanumeric = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    if !alphanumeric(name.chars().next()) || !alphanumeric(name.chars().last()) {
        return Some("it begins and ends with a letter or digit");
    }
    if name.contains("..") {
        return Some("two dots stand side by side");
    }
    if name.parse::<std::net::Ipv4Addr>().is_ok() {
        return Some("it looks like an IP address");
    }
    let reserved = ["xn--", "sthree-", "amzn-s3-demo-"]
        .iter()
        .any(|start| name.starts_with(start))
        || ["-s3alias", "--ol-s3", ".mrap", "--x-s3"]
            .iter()
            .any(|end| name.ends_with(end));
    reserved.then_some("its beginning or end is reserved")
}

fn letter_first(name: &str) -> Option<&'static str> {
    (!name.starts_with(|c: char| c.is_ascii_alphabetic())).then_some("it begins with a letter")
}

fn instance(name: &str) -> Option<&'static str> {
    if name.ends_with('-') || name.contains("--") {
        return Some("it ends with a hyphen, or two stand side by side");
    }
    letter_first(name)
}

/// RDS user guide, "Quotas and constraints": words that PostgreSQL or RDS keeps for itself.
fn user(name: &str) -> Option<&'static str> {
    let reserved = [
        "admin",
        "postgres_admin",
        "rdsadmin",
        "user",
        "public",
        "all",
    ];
    if reserved.contains(&name.to_lowercase().as_str()) {
        return Some("this word is reserved");
    }
    letter_first(name)
}

fn not_default(name: &str) -> Option<&'static str> {
    (name.to_lowercase() == "default").then_some("`default` is reserved")
}

/// A hyphen and six characters at the end look like the end of a secret's ARN (CreateSecret).
fn secret(name: &str) -> Option<&'static str> {
    let (_, end) = name.rsplit_once('-')?;
    let looks_generated = end.len() == 6
        && end.chars().all(|c| c.is_ascii_alphanumeric())
        && end.chars().any(|c| c.is_ascii_digit());
    looks_generated
        .then_some("its end looks like the six characters that AWS adds to a secret's ARN")
}
