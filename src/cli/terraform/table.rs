//! The habits themselves: what is typed, and what it means here.

/// What becomes of something a Terraform user types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It means this here; a value comes along.
    Means(&'static [&'static str]),
    /// There is nothing it could change: taken and dropped, with its value if it is written with `=`.
    Needless,
    /// There is nothing to do, and that is fine: a pipeline that has it in it goes on.
    Fine(&'static str),
    /// It is done differently here.
    Instead(&'static str),
}

use Answer::{Fine, Instead, Means, Needless};

/// Options, without their dashes: Terraform writes them with one.
pub const OPTIONS: &[(&str, Answer)] = &[
    ("auto-approve", Means(&["--yes"])),
    ("force", Means(&["--yes"])),
    ("var", Means(&["--var"])),
    ("var-file", Means(&["--var-file"])),
    ("out", Means(&["--out"])),
    ("target", Means(&["--target"])),
    ("replace", Means(&["--replace"])),
    ("destroy", Means(&["--destroy"])),
    ("json", Means(&["--json"])),
    ("raw", Means(&["--raw"])),
    ("detailed-exitcode", Means(&["--detailed-exitcode"])),
    ("parallelism", Means(&["--parallelism"])),
    ("lock-timeout", Means(&["--lock-timeout"])),
    ("no-color", Means(&["--no-color"])),
    ("input=false", Means(&["--no-input"])),
    ("help", Means(&["--help"])),
    ("version", Means(&["--version"])),
    ("input", Needless),
    ("input=true", Needless),
    ("lock=true", Needless),
    ("refresh=true", Needless),
    ("compact-warnings", Needless),
    (
        "refresh=false",
        Instead(
            "every plan reads AWS, and takes well under a second per hundred resources: leave -refresh=false out",
        ),
    ),
    (
        "refresh-only",
        Instead("what was changed outside is shown by: circles-infra drift"),
    ),
    (
        "lock=false",
        Instead(
            "the lock cannot be left out; it never has to be broken by hand either, and --lock-timeout=5m waits for it",
        ),
    ),
    (
        "lock",
        Instead("the lock is always taken; --lock-timeout=5m waits for it"),
    ),
    (
        "state",
        Instead("the stack file says where the state is kept: `state:`"),
    ),
    (
        "state-out",
        Instead("the stack file says where the state is kept: `state:`"),
    ),
    (
        "backup",
        Instead("the previous state is kept beside the state by itself"),
    ),
    (
        "backend-config",
        Instead("the stack file says where the state is kept: `state:`"),
    ),
    (
        "chdir",
        Instead("name the stack file: --stack DIR/stacks/circles.yaml"),
    ),
];

/// Commands.
pub const COMMANDS: &[(&str, Answer)] = &[
    (
        "init",
        Fine(
            "Nothing to initialise: there are no providers or modules to fetch, and the state is found by itself. Go on with: circles-infra plan",
        ),
    ),
    (
        "get",
        Fine("Nothing to fetch: components are built in. Go on with: circles-infra plan"),
    ),
    (
        "fmt",
        Fine(
            "The stack file is YAML, which your editor formats; whether it is right is said by: circles-infra validate",
        ),
    ),
    ("import", Means(&["state", "import"])),
    ("version", Means(&["--version"])),
    (
        "refresh",
        Instead(
            "every plan reads AWS. What was changed outside: circles-infra drift. A new state from what is there: circles-infra state rebuild",
        ),
    ),
    (
        "workspace",
        Instead("environments stand in the stack file, and every command takes --env NAME"),
    ),
    (
        "env",
        Instead("environments stand in the stack file, and every command takes --env NAME"),
    ),
    (
        "taint",
        Instead("to have a resource replaced: circles-infra apply --replace ADDRESS"),
    ),
    (
        "untaint",
        Instead(
            "nothing is marked: a resource is replaced when --replace names it, or when AWS calls it broken",
        ),
    ),
    (
        "console",
        Instead("there is no console; what a plan comes to is shown by: circles-infra plan --json"),
    ),
    (
        "providers",
        Instead(
            "there are no providers: AWS is built in; the kinds it knows are in: circles-infra schema",
        ),
    ),
    (
        "modules",
        Instead(
            "there are no modules: components are built in, and described by: circles-infra schema",
        ),
    ),
    (
        "force-unlock",
        Instead("nothing has to be unlocked: the lock of a run that died is taken over by itself"),
    ),
    (
        "login",
        Instead(
            "log in to AWS as ever (`aws sso login`, AWS_PROFILE), or use --sandbox, which needs no login",
        ),
    ),
    (
        "logout",
        Instead("there is no login to end; AWS's own is ended by: aws sso logout"),
    ),
    (
        "test",
        Instead("try a stack without an account: circles-infra --sandbox apply"),
    ),
    (
        "metadata",
        Instead("what kinds and components take is described by: circles-infra schema"),
    ),
];

/// Commands of two words.
pub const PHRASES: &[(&str, &str, Answer)] = &[
    (
        "state",
        "pull",
        Instead(
            "what the state holds is shown by: circles-infra state list, and circles-infra state show ADDRESS",
        ),
    ),
    (
        "state",
        "push",
        Instead(
            "a state is not written by hand: circles-infra state rebuild makes one from what is in AWS, circles-infra state migrate moves one",
        ),
    ),
    (
        "state",
        "replace-provider",
        Instead("there are no providers: AWS is built in"),
    ),
];
