//! The top of a stack file: its sections, and names.

use super::check::Checker;
use super::desk::Desk;
use super::names::Nothing;
use super::node::{Entry, Node};
use super::source::Span;
use super::suggest::did_you_mean;
use super::terraform;
use crate::diagnostic::code;
use crate::kind::{Field, Literal, Type};

pub const STATE: &[Field] = &[
    Field::new(
        "backend",
        Type::OneOf(&["local", "s3"]),
        "Where the state is kept.",
    )
    .default(Literal::Text("local")),
    Field::new("path", Type::Text, "Of a local state: its folder."),
    Field::new("bucket", Type::Text, "Of a state in S3: the bucket."),
    Field::new(
        "key",
        Type::Text,
        "Of a state in S3: what its objects' names begin with; each environment has a folder of its own below it. Not given: the stack's name.",
    ),
    Field::new(
        "region",
        Type::Text,
        "Of a state in S3: the bucket's region. Not given: the stack's.",
    ),
    Field::new(
        "account",
        Type::Text,
        "Of a state in S3: the number of the account that owns the bucket, quoted; S3 refuses the bucket if another does. Not given: the account of the run.",
    ),
    Field::new(
        "kms_key_id",
        Type::Text,
        "Of a state in S3: id or ARN of the KMS key that encrypts it. Not given: S3's own keys do.",
    ),
    Field::new(
        "lock",
        Type::Object(LOCK),
        "Of a state in S3: where its lease is kept. Not given: in the bucket.",
    ),
];

const LOCK: &[Field] = &[Field::new(
    "dynamodb",
    Type::Text,
    "A DynamoDB table whose only key is `LockID`, a string, in the bucket's region.",
)
.required()];

/// Settings that the file's top and an environment both may give; the environment's win.
pub const SETTINGS: &[Field] = &[
    Field::new("region", Type::Text, "The region. Wins over the shell's."),
    Field::new(
        "suffix",
        Type::Text,
        "What `${suffix}` is, instead of the derived one.",
    ),
    Field::new("tags", Type::Map(&Type::Text), "Tags of every resource."),
    Field::new("state", Type::Object(STATE), "Where the state is kept."),
    Field::new("assume_role", Type::Text, "ARN of a role to assume first."),
];

/// Settings of an environment alone.
pub const ENVIRONMENT: &[Field] = &[
    Field::new(
        "account",
        Type::Text,
        "The account's number, quoted: any other is refused, and this one for other environments.",
    ),
    Field::new(
        "protect",
        Type::Bool,
        "Protects every resource, and asks for the environment's name before an apply.",
    )
    .default(Literal::Bool(false)),
    Field::new(
        "ephemeral",
        Type::Bool,
        "Databases, buckets and secrets may go without further word.",
    )
    .default(Literal::Bool(false)),
    Field::new(
        "variables",
        Type::Map(&Type::Any),
        "Values of variables here.",
    ),
    Field::new(
        "resources",
        Type::Map(&Type::Any),
        "Fields of resources that are different here.",
    ),
];

pub const MOVED: &[Field] = &[
    Field::new("from", Type::Text, "The address it had.").required(),
    Field::new("to", Type::Text, "The address it has now.").required(),
];

/// Sections of the file that are no settings.
pub const SECTIONS: &[Field] = &[
    Field::new("stack", Type::Text, "The stack's name.").required(),
    Field::new(
        "variables",
        Type::Map(&Type::Object(super::variables::DECLARATION)),
        "What can be different from run to run.",
    ),
    Field::new(
        "default_environment",
        Type::Text,
        "The environment without `--env`; its AWS names go without the environment's.",
    ),
    Field::new(
        "environments",
        Type::Map(&Type::Any),
        "Where the stack is set up, and what is different there.",
    ),
    Field::new(
        "resources",
        Type::Map(&Type::Any),
        "Kinds and components, by name.",
    )
    .required(),
    Field::new("outputs", Type::Map(&Type::Any), "What `outputs` prints."),
    Field::new(
        "moved",
        Type::List(&Type::Object(MOVED)),
        "Addresses that were renamed.",
    ),
];

/// The sections as they stand in the file.
pub struct Document<'n> {
    entries: &'n [Entry],
    /// The beginning of the file.
    pub span: Span,
}

impl<'n> Document<'n> {
    pub fn read(desk: &mut Desk<'_>, root: &'n Node) -> Option<Self> {
        let Some(entries) = root.as_map() else {
            desk.error(
                code::WRONG_TYPE,
                root.span,
                format!("a stack is a map, this is {}", root.what()),
            )
            .help("a stack starts with `stack: NAME`");
            return None;
        };
        if entries.is_empty() {
            desk.error(code::MISSING, root.span, "the file is empty").help(
                "the smallest stack is `stack: NAME`, and `resources:` with an entry `logs: { type: logs.log_group, name: /NAME }`",
            );
            return None;
        }
        let known = || SECTIONS.iter().chain(SETTINGS).map(|field| field.name);
        for entry in entries {
            if !known().any(|name| name == entry.key.text) {
                desk.error(
                    code::UNKNOWN_KEY,
                    entry.key.span,
                    format!("unknown key `{}`", entry.key.text),
                )
                .help_if(
                    terraform::instead_of_key(&entry.key.text)
                        .or_else(|| did_you_mean(&entry.key.text, known())),
                );
            }
        }
        let document = Self {
            entries,
            span: Span {
                end: root.span.start,
                ..root.span
            },
        };
        for field in SECTIONS.iter().filter(|field| field.required) {
            if document.get(field.name).is_none() {
                desk.error(
                    code::MISSING,
                    document.span,
                    format!("`{}` is missing", field.name),
                )
                .help(format!("add `{}:`. {}", field.name, field.doc));
            }
        }
        Some(document)
    }

    pub fn get(&self, name: &str) -> Option<&'n Node> {
        let entry = self.entries.iter().find(|entry| entry.key.text == name)?;
        (!entry.value.is_null()).then_some(&entry.value)
    }

    /// Where a section is named.
    pub fn place(&self, name: &str) -> Span {
        let entry = self.entries.iter().find(|entry| entry.key.text == name);
        entry.map_or(self.span, |entry| entry.key.span)
    }

    /// A section that is a map; reports if it is something else.
    pub fn map(&self, desk: &mut Desk<'_>, name: &str) -> &'n [Entry] {
        let Some(node) = self.get(name) else {
            return &[];
        };
        as_map(desk, node)
    }

    /// A section that is plain text without references.
    pub fn text(&self, desk: &mut Desk<'_>, name: &str) -> Option<(String, Span)> {
        let node = self.get(name)?;
        let value = Checker::new(desk, &Nothing).value(node, &Type::Text, name);
        value.as_text().map(|text| (text.to_owned(), node.span))
    }

    pub fn settings(&self) -> &'n [Entry] {
        self.entries
    }
}

pub fn as_map<'n>(desk: &mut Desk<'_>, node: &'n Node) -> &'n [Entry] {
    match node.as_map() {
        Some(entries) => entries,
        None => {
            if !node.is_null() {
                desk.error(
                    code::WRONG_TYPE,
                    node.span,
                    format!("a map is meant here, this is {}", node.what()),
                )
                .help_if(super::fit::example(&Type::Map(&Type::Any)));
            }
            &[]
        }
    }
}
