//! What the made-up kinds are like: ten, each with another way to be found, to collide, to take its time.

use std::time::Duration;

use circles_infra::kind::{Collision, Field, Identity, Literal, Patience, Type};

/// How a kind's ids come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ids {
    /// Counted by the cloud.
    Counted,
    /// The name is the id.
    Named,
    /// Its parent's and its name.
    InParent,
    /// The name, and a number that each change raises.
    Revised,
}

/// One made-up kind.
pub trait Nature: Send + Sync + 'static {
    const NAME: &'static str;
    const CREATE: &'static str;
    const UPDATE: &'static str;
    const TAG: &'static str;
    const DELETE: &'static str;
    const FIELDS: &'static [Field];
    const IDENTITY: Identity;
    const IDS: Ids;
    /// From the answer to a create until it can be used; the same after an update, where `unsettled`.
    const READY: Duration = Duration::ZERO;
    const UNSETTLED: bool = false;
    /// From the answer to a delete until it is out of everybody's way.
    const DRAIN: Duration = Duration::ZERO;
    const HOLDS_DATA: bool = false;
    const TAGGED_AT_ONCE: bool = true;
    /// Its `size` is set by a second call of its create.
    const SIZED_AFTER: bool = false;
    const UPDATE_APPENDS: bool = false;
    /// Some of them never become ready.
    const MAY_BREAK: bool = false;
    /// A repeated token is answered with what the first call made.
    const TOKENS: bool = false;
    const PATIENCE: Patience = Patience::quick();
}

/// All that is simulated.
pub const KINDS: [&str; 10] = [
    "sim.net",
    "sim.role",
    "sim.gate",
    "sim.bucket",
    "sim.rule",
    "sim.pool",
    "sim.base",
    "sim.service",
    "sim.secret",
    "sim.revision",
];

const SIZE: Field = Field::new("size", Type::Int { min: 0, max: 9_999 }, ".");
const SHAPE: Field = Field::new("shape", Type::Text, ".").replace();
const NAME: Field = Field::new("name", Type::Text, ".").required().replace();
const PARENT: Field = Field::new("parent", Type::Text, ".").replace();
const ON: Field = Field::new("on", Type::Set(&Type::Text), ".").default(Literal::EmptyList);
const ID: Field = Field::computed("id", Type::Text, ".");

/// One key's source, as the real secret has it.
const KEYS: Field = Field::new(
    "keys",
    Type::Map(&Type::Object(&[
        Field::new("generate", Type::Int { min: 16, max: 128 }, "."),
        Field::new("operator", Type::Text, "."),
        Field::new("value", Type::Any, "."),
    ])),
    ".",
);

const fn identity(natural_key: &'static [&'static str], collision: Collision) -> Identity {
    Identity {
        natural_key,
        collision,
    }
}

macro_rules! nature {
    ($kind:ident, $name:literal, $fields:expr, $identity:expr, $ids:expr $(, $more:ident: $type:ty = $value:expr)* $(,)?) => {
        pub struct $kind;
        impl Nature for $kind {
            const NAME: &'static str = concat!("sim.", $name);
            const CREATE: &'static str = concat!("sim-", $name, ":Create");
            const UPDATE: &'static str = concat!("sim-", $name, ":Update");
            const TAG: &'static str = concat!("sim-", $name, ":Tag");
            const DELETE: &'static str = concat!("sim-", $name, ":Delete");
            const FIELDS: &'static [Field] = $fields;
            const IDENTITY: Identity = $identity;
            const IDS: Ids = $ids;
            $(const $more: $type = $value;)*
        }
    };
}

// Found by its tags alone, made by two calls; two can stand side by side.
nature!(
    Net, "net", &[SIZE, SHAPE, ON, ID],
    identity(&[], Collision::Coexist), Ids::Counted,
    SIZED_AFTER: bool = true,
);
// Its name is its id.
nature!(
    Role,
    "role",
    &[NAME, SIZE, ON, ID],
    identity(&["name"], Collision::DeleteFirst),
    Ids::Named,
);
// Made under a token, slow, and at times for nothing.
nature!(
    Gate, "gate", &[PARENT, SIZE, ID],
    identity(&[], Collision::Coexist), Ids::Counted,
    READY: Duration = Duration::from_secs(100),
    DRAIN: Duration = Duration::from_secs(40),
    MAY_BREAK: bool = true,
    TOKENS: bool = true,
    PATIENCE: Patience = Patience::slow(100, 900),
);
// Named first, tagged by a call of its own.
nature!(
    Bucket, "bucket", &[NAME, SIZE, SHAPE, ID],
    identity(&["name"], Collision::DeleteFirst), Ids::Named,
    HOLDS_DATA: bool = true,
    TAGGED_AT_ONCE: bool = false,
);
// Lives in its parent.
nature!(
    Rule,
    "rule",
    &[PARENT, NAME, SIZE, ID],
    identity(&["parent", "name"], Collision::DeleteFirst),
    Ids::InParent,
);
// A replacement carries its generation in its name.
nature!(
    Pool,
    "pool",
    &[NAME, SHAPE, SIZE, ON, ID],
    identity(
        &["name"],
        Collision::Suffix {
            field: "name",
            longest: 24
        }
    ),
    Ids::Counted,
);
// Slow, with data, made with a secret.
nature!(
    Base, "base", &[
        NAME, SIZE, SHAPE, ON,
        Field::new("password", Type::Secret, ".").required().ignore(),
        ID,
    ],
    identity(&["name"], Collision::DeleteFirst), Ids::Named,
    READY: Duration = Duration::from_secs(300),
    DRAIN: Duration = Duration::from_secs(120),
    HOLDS_DATA: bool = true,
    PATIENCE: Patience = Patience::slow(300, 3600),
);
// Takes its time after each change, and is drained before it goes.
nature!(
    Service, "service", &[
        NAME, SIZE, ON,
        Field::new("revision", Type::Text, ".").default(Literal::Unset),
        ID,
    ],
    identity(&["name"], Collision::DeleteFirst), Ids::Named,
    READY: Duration = Duration::from_secs(60),
    UNSETTLED: bool = true,
    DRAIN: Duration = Duration::from_secs(30),
    PATIENCE: Patience = Patience::slow(60, 1200),
);
// Holds values that are made up by the call that makes it.
nature!(
    Secret, "secret", &[NAME, SIZE, KEYS, ID],
    identity(&["name"], Collision::DeleteFirst), Ids::Named,
    HOLDS_DATA: bool = true,
);
// A family: each change appends a revision, with an id of its own.
nature!(
    Revision, "revision", &[
        NAME, SIZE, ON,
        Field::computed("id", Type::Text, ".").volatile(),
        Field::computed("arn", Type::Text, ".").volatile(),
    ],
    identity(&["name"], Collision::Append), Ids::Revised,
    UPDATE_APPENDS: bool = true,
);

/// What the cloud and the judge need to know of a kind by its name.
#[derive(Clone, Copy)]
pub struct Facts {
    pub identity: Identity,
    pub ids: Ids,
    pub fields: &'static [Field],
    pub ready: Duration,
    pub unsettled: bool,
    pub drain: Duration,
    pub holds_data: bool,
    pub may_break: bool,
    pub tokens: bool,
}

fn facts_of<N: Nature>() -> Facts {
    Facts {
        identity: N::IDENTITY,
        ids: N::IDS,
        fields: N::FIELDS,
        ready: N::READY,
        unsettled: N::UNSETTLED,
        drain: N::DRAIN,
        holds_data: N::HOLDS_DATA,
        may_break: N::MAY_BREAK,
        tokens: N::TOKENS,
    }
}

/// The facts of a kind.
pub fn facts(kind: &str) -> Facts {
    match kind {
        "sim.net" => facts_of::<Net>(),
        "sim.role" => facts_of::<Role>(),
        "sim.gate" => facts_of::<Gate>(),
        "sim.bucket" => facts_of::<Bucket>(),
        "sim.rule" => facts_of::<Rule>(),
        "sim.pool" => facts_of::<Pool>(),
        "sim.base" => facts_of::<Base>(),
        "sim.service" => facts_of::<Service>(),
        "sim.secret" => facts_of::<Secret>(),
        "sim.revision" => facts_of::<Revision>(),
        other => panic!("there is no kind {other}"),
    }
}

/// Whether a kind has that field, to be written in a stack.
pub fn has(kind: &str, field: &str) -> bool {
    facts(kind)
        .fields
        .iter()
        .any(|known| known.name == field && !known.computed)
}
