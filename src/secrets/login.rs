//! A database's URL among a secret's keys, and the two users of the database who take turns in it.
//!
//! ```text
//!   circles (master)   what the stack file's URL says, and who makes the others
//!   circles_owner      no login; everything belongs to it
//!   circles_a, _b      members of it: one is in the URL, the other's password may be changed
//! ```

use crate::kind::SecretText;
use crate::model::{Address, Attributes, Expr, Part, Reference, SecretRef, Value};
use crate::stack::Stack;

/// A key whose value the stack file makes of a database's address and its master user's password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The database.
    pub instance: Address,
    /// The master user's password.
    pub master: SecretRef,
    /// The master user.
    pub user: String,
    /// `postgresql`
    scheme: String,
    /// What follows the password, `@` included.
    place: Expr,
}

/// Whose turn it is.
#[derive(Clone, Debug)]
pub struct Turn {
    pub user: String,
    /// Who is in the URL now.
    pub before: String,
    /// The URL with that user.
    pub url: SecretText,
}

impl Login {
    /// Reads what the file says of a key: `${db.url}`, or the like written out.
    pub(super) fn of(stack: &Stack, source: &Value) -> Option<Self> {
        let given = source.as_map().and_then(|map| map.get("value"));
        let Value::Expr(Expr(parts)) = given.unwrap_or(source) else {
            return None;
        };
        let [
            Part::Text(before),
            Part::Secret(master),
            Part::Text(at),
            rest @ ..,
        ] = parts.as_slice()
        else {
            return None;
        };
        let [Part::Ref(host), ..] = rest else {
            return None;
        };
        let (scheme, user) = before.strip_suffix(':')?.split_once("://")?;
        let instance = stack.resource(host.address.as_str())?;
        let holds = instance
            .attributes
            .secrets()
            .iter()
            .any(|held| held == master);
        let is_its = instance.kind.as_str() == "rds.db_instance"
            && host.attribute == "endpoint_address"
            && instance.attributes.text("username") == Some(user);
        if at != "@" || !holds || !is_its {
            return None;
        }
        let mut place = vec![Part::Text(at.clone())];
        place.extend(rest.iter().cloned());
        Some(Self {
            instance: host.address.clone(),
            master: master.clone(),
            user: user.to_owned(),
            scheme: scheme.to_owned(),
            place: Expr(place),
        })
    }

    /// The role that everything belongs to.
    pub fn owner(&self) -> String {
        format!("{}_owner", self.user)
    }

    fn users(&self) -> [String; 2] {
        ["a", "b"].map(|which| format!("{}_{which}", self.user))
    }

    /// Who has the next turn, with that password. `None`: the live text is no URL with the master user or one of the two.
    pub fn turn(&self, live: &str, password: &SecretText) -> Option<Turn> {
        let (scheme, before, place) = split(live)?;
        let [a, b] = self.users();
        if before != self.user && before != a && before != b {
            return None;
        }
        let user = if before == a { b } else { a };
        let url = format!(
            "{scheme}://{user}:{}{place}",
            password.percent_encoded().expose()
        );
        Some(Turn {
            before: before.to_owned(),
            url: SecretText::new(url),
            user,
        })
    }

    /// Whether a live text is what the file says but for one of the two users in the master user's place. `known` is asked for what
    /// references come to.
    pub fn is_taken_by_turns(
        &self,
        live: &str,
        known: &dyn Fn(&Reference) -> Option<String>,
    ) -> bool {
        let wanted: Option<String> = self
            .place
            .0
            .iter()
            .map(|part| match part {
                Part::Text(text) => Some(text.clone()),
                Part::Ref(reference) => known(reference),
                Part::Secret(_) => None,
            })
            .collect();
        split(live).is_some_and(|(scheme, user, place)| {
            scheme == self.scheme
                && self.users().iter().any(|one| one == user)
                && wanted.as_deref() == Some(place)
        })
    }

    /// Leaves the key of these attributes to whoever set it.
    pub fn leave(attributes: &mut Attributes, key: &str) {
        let Some(Value::Map(keys)) = attributes.0.get_mut("keys") else {
            return;
        };
        let left = Value::map([("operator", Value::from("required"))]);
        keys.insert(key.to_owned(), left);
    }
}

/// `scheme`, user, and what follows the password, `@` included.
fn split(url: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let at = rest.find('@')?;
    let (user, _) = rest[..at].split_once(':')?;
    Some((scheme, user, &rest[at..]))
}

#[cfg(test)]
mod tests {
    use super::super::declared::tests::circles;
    use super::*;

    fn login() -> Login {
        let all = circles();
        let config = all
            .iter()
            .find(|secret| secret.address.as_str() == "config")
            .unwrap();
        config.logins["APP_DATABASE_URL"].clone()
    }

    fn known(reference: &Reference) -> Option<String> {
        match reference.attribute.as_str() {
            "endpoint_address" => Some("db.rds".into()),
            "endpoint_port" => Some("5432".into()),
            _ => None,
        }
    }

    #[test]
    fn the_real_stacks_url_is_one() {
        let login = login();
        assert_eq!(login.instance.as_str(), "db/instance");
        assert_eq!(login.master.address.as_str(), "db/master");
        assert_eq!(
            (login.user.as_str(), login.owner().as_str()),
            ("circles", "circles_owner")
        );
    }

    #[test]
    fn the_two_take_turns_and_the_master_goes_before_both() {
        let login = login();
        let word = SecretText::new("word".into());
        let mut url = "postgresql://circles:first@db.rds:5432/circles?sslmode=require".to_owned();
        for (before, user) in [
            ("circles", "circles_a"),
            ("circles_a", "circles_b"),
            ("circles_b", "circles_a"),
        ] {
            let turn = login.turn(&url, &word).unwrap();
            assert_eq!((turn.before.as_str(), turn.user.as_str()), (before, user));
            url = turn.url.expose().to_owned();
            assert_eq!(
                url,
                format!("postgresql://{user}:word@db.rds:5432/circles?sslmode=require")
            );
        }
        for strange in ["", "postgresql://somebody:x@db.rds/circles", "hunter2"] {
            assert!(login.turn(strange, &word).is_none(), "{strange}");
        }
    }

    #[test]
    fn a_url_of_another_place_is_not_theirs() {
        let login = login();
        let place = "db.rds:5432/circles?sslmode=require";
        let theirs = |url: &str| login.is_taken_by_turns(url, &known);
        assert!(theirs(&format!("postgresql://circles_b:x@{place}")));
        for url in [
            format!("postgresql://circles:x@{place}"),
            format!("postgresql://circles_c:x@{place}"),
            "postgresql://circles_b:x@other.rds:5432/circles?sslmode=require".into(),
            "postgresql://circles_b:x@db.rds:5432/circles?sslmode=verify-full".into(),
            "hunter2".into(),
        ] {
            assert!(!theirs(&url), "{url}");
        }
        assert!(
            !login.is_taken_by_turns(&format!("postgresql://circles_b:x@{place}"), &|_| None),
            "the database is not there yet"
        );
    }
}
