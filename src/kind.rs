//! The kind: one AWS resource type, described once. Everything about it (fields, identity, patience, permissions, the four verbs and
//! the two pure projections) stands in one file under `aws/<service>/`; this room holds the trait those files fill in.
//!
//! ```text
//!   aws/<service>/<thing>.rs ──impl Kind<Aws>──▶ erase::<K>() ──▶ dyn AnyKind ──▶ engine, plan (fields only), docs, schema, IAM policy
//! ```

mod advice;
mod cx;
mod erase;
mod error;
mod field;
mod find;
mod limiter;
mod text_rule;
mod time_window;

use std::future::Future;
use std::time::Duration;

pub use cx::{CallGate, Cx, Intent, IntentVerb, Refusal, SecretSource, SecretText};
pub use erase::{AnyKind, Cloud, Kinds, Observed, Settle, erase, observe};
pub use error::{CallFailure, Class, CloudError};
pub use field::{Change, Field, Form, Literal, Type};
pub use find::{Asked, AskedItem, Extent, Memo};
pub use limiter::{Limiter, Place};
pub use text_rule::{ARN, BrokenRule, Characters, KMS_KEY, TextRule, is_arn_of};
pub use time_window::{DailyWindow, WeeklyWindow};

use crate::model::{Attributes, KindName, PhysicalId, Tags};

/// Where kinds live: the real AWS, or a simulated one.
pub trait World: Send + Sync + 'static {}

/// How a resource is found again when its id was lost with a crash, and what stands in a replacement's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The fields that AWS keeps unique together (`[name]`; subnet: `[vpc_id, cidr]`); empty: nothing natural, tags alone.
    pub natural_key: &'static [&'static str],
    /// How a replacement with an unchanged natural key is made.
    pub collision: Collision,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collision {
    /// The new one is made first and carries its generation in this field (`circles-tg-2`), at most so many characters long.
    Suffix { field: &'static str, longest: usize },
    /// The old one has to go first, and what holds it with it.
    DeleteFirst,
    /// Two can stand side by side.
    Coexist,
    /// The new one is one more under the same name (a family's next revision): nothing is replaced, and nothing has to go.
    Append,
}

/// How long to wait for a kind, and which refusals only mean "not yet".
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// What a create usually takes until ready; used for estimates and scheduling only.
    pub typical: Duration,
    /// The longest wait for readiness, or for absence after a delete; a stack's `timeouts` override it.
    pub budget: Duration,
    /// First and largest gap between two looks.
    pub poll: (Duration, Duration),
    /// (wire code, part of the message or ""): errors of writes that pass by themselves.
    pub not_yet: &'static [(&'static str, &'static str)],
    /// The longest wait for one of `not_yet`, where it is shorter than the budget: the same answer may also mean a mistake, which no wait
    /// mends.
    pub lag: Duration,
}

impl Patience {
    /// For kinds that are ready when the call returns: 5 min for AWS's lag, looks from 1 s up to 10 s apart.
    pub const fn quick() -> Self {
        Self {
            typical: Duration::from_secs(2),
            budget: Duration::from_secs(300),
            poll: (Duration::from_secs(1), Duration::from_secs(10)),
            not_yet: &[],
            lag: Duration::MAX,
        }
    }

    pub const fn slow(typical_secs: u64, budget_secs: u64) -> Self {
        Self {
            typical: Duration::from_secs(typical_secs),
            budget: Duration::from_secs(budget_secs),
            poll: (Duration::from_secs(2), Duration::from_secs(15)),
            not_yet: &[],
            lag: Duration::MAX,
        }
    }

    pub const fn not_yet(mut self, codes: &'static [(&'static str, &'static str)]) -> Self {
        self.not_yet = codes;
        self
    }

    /// Waits for what `not_yet` names no longer than that.
    pub const fn lag(mut self, secs: u64) -> Self {
        self.lag = Duration::from_secs(secs);
        self
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    Read,
    Create,
    Update,
    Delete,
}

/// What a live resource is fit for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    Ready,
    /// Still on its way; the reason is shown while the engine waits.
    NotYet(String),
    /// It can be used. AWS has accepted a change that it has not begun: it does so within its lag, or in a window that somebody chose.
    Deferred(String),
    /// It does not come up by itself (a stopped database, one whose storage is full): somebody has to do what the text says, and an update
    /// may be just that. Not waited for, and not replaced.
    Blocked(String),
    /// It will never be ready (a NAT gateway in `failed`): replaced by a new generation.
    Broken(String),
    /// Being deleted, with what is left of it still in others' way.
    Going(String),
}

/// What one call of `update` or `delete` achieved.
#[derive(Clone, Debug)]
pub enum Step<T> {
    Done(T),
    /// Look again after a while, and call again; the reason is shown meanwhile.
    Again(String),
}

/// One field that is not as the stack says.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FieldChange {
    pub field: String,
    pub from: crate::model::Value,
    pub to: crate::model::Value,
}

/// What `update` has to bring about: `changed` names the fields (and "tags"), `desired` is the whole wish.
#[derive(Clone, Debug)]
pub struct Wanted<S> {
    pub changed: Vec<FieldChange>,
    pub spec: S,
    /// The desired attributes, for those who need more than `spec`.
    pub desired: Attributes,
}

impl<S> Wanted<S> {
    pub fn changes(&self, field: &str) -> bool {
        self.changed.iter().any(|change| change.field == field)
    }

    pub fn change(&self, field: &str) -> Option<&FieldChange> {
        self.changed.iter().find(|change| change.field == field)
    }
}

/// The name under which changed tags appear in [`Wanted::changed`]. Every kind applies them by its own tagging calls.
pub const TAGS: &str = "tags";

type Answer<T> = Result<T, CloudError>;

/// One AWS resource type in a world `W`.
///
/// The verbs are re-entrant: each looks at what it is given, sends the next calls through [`Cx::call`] (which journals the intent
/// first), and says done or again. None of them sleeps or polls. After a crash the engine finds the resource again and hands what is
/// there to `update`, so `update` must be able to finish whatever `create` had begun.
pub trait Kind<W: World>: Send + Sync + 'static {
    const NAME: KindName;
    /// One sentence for the docs page.
    const DOC: &'static str;
    const FIELDS: &'static [Field];
    const IDENTITY: Identity;
    const PATIENCE: Patience;
    /// Its loss is a loss of data: never deleted or replaced without the user's word (design: databases, buckets, secrets).
    const HOLDS_DATA: bool = false;
    /// Its tags always come with the call that makes it: what has its name and no tags of ours was made by somebody else, whatever call
    /// of ours went unanswered.
    const TAGGED_AT_ONCE: bool = true;
    /// Each update makes something further that stays (a revision, a version), and nothing tells a second one from the first: like a
    /// create, one of unknown outcome is repeated only when AWS has had its time to show what it made.
    const UPDATE_APPENDS: bool = false;

    /// When AWS says that it will never be ready, an update repairs it (ECS: a new deployment). It is
    /// never replaced for that.
    const MENDED_IN_PLACE: bool = false;

    type Spec: serde::de::DeserializeOwned + Send + Sync;
    type Live: Clone + Send + Sync + 'static;

    /// The IAM actions a verb may call; every call of that verb is among them.
    fn permissions(verb: Verb) -> &'static [&'static str];

    /// What is there: everything asked for (by id, natural key or our tags), and with [`Extent::Everything`] also whatever else carries
    /// this stack's tags. Batched and fully paged. What AWS calls deleted (NAT `deleted`, ECS `INACTIVE`, a secret pending deletion)
    /// is not there.
    fn find(world: &W, asked: &Asked) -> impl Future<Output = Answer<Vec<Self::Live>>> + Send;

    /// Makes it. Returns what AWS answered, so that no read follows; facets that need further calls may be made here, or left to `update`.
    fn create(
        world: &W,
        cx: &Cx,
        spec: &Self::Spec,
    ) -> impl Future<Output = Answer<Self::Live>> + Send;

    /// Makes the live one as wanted: only fields that change in place ([`Change`]), and tags.
    fn update(
        world: &W,
        cx: &Cx,
        live: &Self::Live,
        wanted: &Wanted<Self::Spec>,
    ) -> impl Future<Output = Answer<Step<Self::Live>>> + Send;

    /// Takes it away. Called again, with the same `live`, until it says done: from round 1 on it looks first. Absent is success.
    /// `Again` while AWS works on it, or while what it leaves behind (network interfaces) blocks others.
    fn delete(
        world: &W,
        cx: &Cx,
        live: &Self::Live,
    ) -> impl Future<Output = Answer<Step<()>>> + Send;

    fn id(live: &Self::Live) -> PhysicalId;

    /// All its tags, ours and the user's, without `aws:` ones.
    fn tags(live: &Self::Live) -> Tags;

    /// Pure: what AWS said, in the field table's terms, computed fields included, for the one generic diff.
    fn observed(live: &Self::Live) -> Attributes;

    /// Pure: whether it can be used.
    fn readiness(live: &Self::Live) -> Readiness;

    /// Pure: why a live one cannot be imported, where AWS's type is wider than this kind (a network load balancer, another engine), or where
    /// AWS itself owns it (a default group, a service-linked role).
    fn unmanageable(_live: &Self::Live) -> Option<String> {
        None
    }

    /// Secret values that `find` read, by key, for comparison in memory only.
    fn secrets(_live: &Self::Live) -> Vec<(String, SecretText)> {
        Vec::new()
    }
}
