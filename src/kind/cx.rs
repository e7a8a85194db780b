//! What a verb is given: who it works for, the tags and token to send, and the one gate through which every mutating call goes.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use futures::future::BoxFuture;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use super::{CallFailure, Class, CloudError, Verb};
use crate::model::{
    Address, Attributes, Expr, KindName, PhysicalId, Scope, SecretRef, Tags, Value,
};

/// A mutating call that is about to be sent. It stands in the journal before the call goes out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    pub address: Address,
    pub kind: KindName,
    pub verb: IntentVerb,
    pub generation: u32,
    /// The IAM action, `ec2:CreateVpc`.
    pub action: String,
    /// The idempotency token, where the call takes one.
    pub token: String,
    /// The id of what is worked on, if it has one yet.
    pub id: Option<PhysicalId>,
    /// The natural key under which a create makes it (`name`): how it is found when the stack has another name for it by then, or
    /// none. Empty for kinds without one, and for other verbs.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub key: Attributes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntentVerb {
    Create,
    Update,
    Delete,
}

impl TryFrom<Verb> for IntentVerb {
    type Error = ();

    fn try_from(verb: Verb) -> Result<Self, ()> {
        match verb {
            Verb::Create => Ok(Self::Create),
            Verb::Update => Ok(Self::Update),
            Verb::Delete => Ok(Self::Delete),
            Verb::Read => Err(()),
        }
    }
}

/// Why a call was not let through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Ctrl-C, or another step of the run failed the whole run.
    Stopping,
    /// Somebody else holds the state now.
    LeaseLost(String),
    /// The intent could not be made durable, so the call is not made.
    NotDurable(String),
}

/// The engine's side of [`Cx::call`].
pub trait CallGate: Send + Sync {
    /// Makes the intent durable and takes a place with the service's limiter. Returns the intent's number.
    fn before(&self, intent: Intent) -> BoxFuture<'_, Result<u64, Refusal>>;
    /// An id that AWS gave: durable before anything else happens with it.
    fn learned(&self, intent: u64, id: PhysicalId) -> BoxFuture<'_, Result<(), Refusal>>;
    fn after(&self, intent: u64, outcome: Result<(), (CallFailure, Class)>) -> BoxFuture<'_, ()>;
    /// A line for the live view.
    fn note(&self, address: &Address, text: String);
}

/// A secret value in memory. Neither prints nor serialises, and is wiped when dropped.
#[derive(Clone)]
pub struct SecretText(String);

impl SecretText {
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The value itself, for the one call it is meant for.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The value as it stands in the user information of a URL: all but letters, digits and `-._~` is encoded (RFC 3986, section 2.3).
    pub fn percent_encoded(&self) -> Self {
        const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
            .remove(b'-')
            .remove(b'.')
            .remove(b'_')
            .remove(b'~');
        Self(utf8_percent_encode(&self.0, ENCODED).to_string())
    }
}

impl PartialEq for SecretText {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Drop for SecretText {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// Where secret values come from while a verb runs: the live secrets, read when needed.
pub trait SecretSource: Send + Sync {
    fn read(&self, secret: SecretRef) -> BoxFuture<'_, Result<SecretText, CloudError>>;
}

/// The context of one verb on one resource.
#[derive(Clone)]
pub struct Cx {
    pub scope: Scope,
    pub address: Address,
    pub kind: KindName,
    pub verb: IntentVerb,
    pub generation: u32,
    /// Every tag the resource shall carry: ours, the stack's, the resource's, and `Name`.
    pub tags: Tags,
    /// Random, journalled before the call: 32 characters of `[0-9a-f]`, which fits every API that takes a token.
    pub token: String,
    pub id: Option<PhysicalId>,
    /// See [`Intent::key`].
    pub key: Attributes,
    /// The resource's last known attributes (from the state, or else the stack file), for what AWS cannot tell: whether a bucket may be
    /// emptied, a snapshot skipped, a secret's recovery window. Empty when nobody knows: then the safe side is taken.
    pub last: Attributes,
    /// How often this verb was called before in this step: 0 the first time, then once more for each `Again`. A kind may trust the
    /// live value it is given in round 0, and reads afresh in later ones.
    pub round: u32,
    pub gate: Arc<dyn CallGate>,
    pub secrets: Arc<dyn SecretSource>,
}

impl Cx {
    /// Sends one mutating call. The intent is durable first; the call is never repeated in here, whatever becomes of it.
    /// `action` is the IAM action (`ec2:CreateVpc`); it must be among the kind's permissions for this verb.
    pub async fn call<T>(
        &self,
        action: &'static str,
        call: impl Future<Output = Result<T, CloudError>> + Send,
    ) -> Result<T, CloudError> {
        self.send(action, call, |_| None).await
    }

    /// Like [`Cx::call`], for calls that give the resource its id: `id` reads it off the answer, and it is durable before this returns.
    pub async fn send<T>(
        &self,
        action: &'static str,
        call: impl Future<Output = Result<T, CloudError>> + Send,
        id: impl Fn(&T) -> Option<PhysicalId> + Send,
    ) -> Result<T, CloudError> {
        let intent = Intent {
            address: self.address.clone(),
            kind: self.kind.clone(),
            verb: self.verb,
            generation: self.generation,
            action: action.to_owned(),
            token: self.token.clone(),
            id: self.id.clone(),
            key: self.key.clone(),
        };
        let number = self
            .gate
            .before(intent)
            .await
            .map_err(|refusal| refused(action, refusal))?;
        let answer = call.await;
        if let Ok(answer) = &answer
            && let Some(id) = id(answer)
        {
            self.gate
                .learned(number, id)
                .await
                .map_err(|refusal| refused(action, refusal))?;
        }
        let outcome = match &answer {
            Ok(_) => Ok(()),
            Err(error) => Err((error.failure(), error.class)),
        };
        self.gate.after(number, outcome).await;
        answer
    }

    pub fn note(&self, text: impl Into<String>) {
        self.gate.note(&self.address, text.into());
    }

    /// Puts the secrets into a value: text, or an expression whose holes are all secrets. The result lives in memory only.
    pub async fn reveal(&self, value: &Value) -> Result<SecretText, CloudError> {
        match value {
            Value::Text(text) => Ok(SecretText::new(text.clone())),
            Value::Int(int) => Ok(SecretText::new(int.to_string())),
            Value::Bool(bool) => Ok(SecretText::new(bool.to_string())),
            Value::Expr(expr) => self.reveal_expr(expr).await,
            _ => Err(CloudError::malformed(
                &self.kind,
                "a secret value is neither text nor an expression",
            )),
        }
    }

    async fn reveal_expr(&self, expr: &Expr) -> Result<SecretText, CloudError> {
        use crate::model::Part;
        let mut text = String::new();
        for (i, part) in expr.0.iter().enumerate() {
            match part {
                Part::Text(more) => text.push_str(more),
                Part::Secret(secret) => {
                    let value = self.secrets.read(secret.clone()).await?;
                    match expr.is_url_password(i) {
                        true => text.push_str(value.percent_encoded().expose()),
                        false => text.push_str(value.expose()),
                    }
                }
                Part::Ref(reference) => {
                    text.zeroize();
                    return Err(CloudError::malformed(
                        &self.kind,
                        format!("{reference} is not known yet"),
                    ));
                }
            }
        }
        Ok(SecretText::new(text))
    }
}

fn refused(action: &str, refusal: Refusal) -> CloudError {
    let (code, message) = match refusal {
        Refusal::Stopping => ("Stopping", String::new()),
        Refusal::LeaseLost(by) => ("LeaseLost", by),
        Refusal::NotDurable(why) => ("NotDurable", why),
    };
    CloudError::new(action, Class::Stopped, code, message)
}
