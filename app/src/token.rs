//! Access tokens: JWT with `sub` (the user's id as text), `exp`, `iat`, `jti`.

use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::config::JwtConfig;

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    exp: i64,
    iat: i64,
    jti: Uuid,
}

/// Only what is read back; tokens of the former service carry a different set.
#[derive(Deserialize)]
struct Subject {
    sub: String,
    exp: i64,
}

/// What a good token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    pub user: i64,
    /// Seconds since 1970.
    pub expires: i64,
}

/// Signs with the current key; reads tokens of the current and the previous one.
pub struct Tokens {
    header: Header,
    sign: EncodingKey,
    read: Vec<DecodingKey>,
    validation: Validation,
    life_seconds: i64,
}

impl Tokens {
    #[must_use]
    pub fn new(config: &JwtConfig) -> Tokens {
        let keys = std::iter::once(&config.secret).chain(config.previous_secret.as_ref());
        let mut validation = Validation::new(config.algorithm);
        validation.leeway = 0;
        validation.validate_nbf = true;
        Tokens {
            header: Header::new(config.algorithm),
            sign: EncodingKey::from_secret(config.secret.expose().as_bytes()),
            read: keys
                .map(|k| DecodingKey::from_secret(k.expose().as_bytes()))
                .collect(),
            validation,
            life_seconds: config.expiry_minutes * 60,
        }
    }

    /// # Errors
    /// When the claims cannot be signed.
    pub fn issue(&self, user_id: i64) -> Result<String, jsonwebtoken::errors::Error> {
        let now = chrono::Utc::now().timestamp();
        let claims = Claims {
            sub: user_id.to_string(),
            exp: now + self.life_seconds,
            iat: now,
            jti: Uuid::new_v4(),
        };
        encode(&self.header, &claims, &self.sign)
    }

    /// What a token says that is signed by us, in force and not expired.
    #[must_use]
    pub fn verify(&self, token: &str) -> Option<Verified> {
        let claims = self
            .read
            .iter()
            .find_map(|key| decode::<Subject>(token, key, &self.validation).ok())?
            .claims;
        Some(Verified {
            user: claims.sub.parse().ok()?,
            expires: claims.exp,
        })
    }

    /// The user a good, unexpired token speaks of.
    #[must_use]
    pub fn user_id(&self, token: &str) -> Option<i64> {
        self.verify(token).map(|verified| verified.user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn tokens(secret: &str, previous: Option<&str>, minutes: i64) -> Tokens {
        Tokens::new(&JwtConfig {
            secret: Secret::new(secret.into()),
            previous_secret: previous.map(|p| Secret::new(p.into())),
            algorithm: jsonwebtoken::Algorithm::HS256,
            expiry_minutes: minutes,
        })
    }

    #[test]
    fn the_previous_key_still_reads_and_a_foreign_one_does_not() {
        let old = tokens("old", None, 5).issue(7).unwrap();
        assert_eq!(tokens("new", Some("old"), 5).user_id(&old), Some(7));
        assert_eq!(tokens("new", None, 5).user_id(&old), None);
    }

    #[test]
    fn an_expired_token_is_no_token() {
        let t = tokens("k", None, -1);
        assert_eq!(t.user_id(&t.issue(7).unwrap()), None);
    }

    #[test]
    fn a_token_that_is_not_in_force_yet_is_no_token() {
        let now = chrono::Utc::now().timestamp();
        let signed = |nbf: i64| {
            let claims = serde_json::json!({ "sub": "7", "exp": now + 600, "nbf": nbf });
            encode(&Header::default(), &claims, &EncodingKey::from_secret(b"k")).unwrap()
        };
        let t = tokens("k", None, 5);
        assert_eq!(t.user_id(&signed(now + 300)), None);
        let good = t.verify(&signed(now - 300)).unwrap();
        assert_eq!((good.user, good.expires), (7, now + 600));
    }
}
