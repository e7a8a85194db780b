//! What people who come from Terraform write, and what is written here instead.

/// A key of a stack file or of an entry, and what takes its place.
const KEYS: &[(&str, &str)] = &[
    (
        "count",
        "there is no `count`: write an entry for each, or use a field that counts, such as `desired_count`; `when: ${var.name}` is for zero or one",
    ),
    (
        "for_each",
        "there is no `for_each`: write an entry for each",
    ),
    (
        "locals",
        "there are no `locals`: declare a variable with a default, and write `${var.name}`",
    ),
    (
        "local",
        "there are no `locals`: declare a variable with a default, and write `${var.name}`",
    ),
    (
        "data",
        "there is no `data`: `existing:` on a network, zone, cluster or certificate looks one up; other ids and ARNs are variables",
    ),
    (
        "module",
        "there are no modules: a component such as `type: network` or `type: fargate_service` takes their place",
    ),
    (
        "modules",
        "there are no modules: a component such as `type: network` or `type: fargate_service` takes their place",
    ),
    (
        "provider",
        "there are no providers: write `region:` at the top; credentials come from the AWS profile",
    ),
    (
        "providers",
        "there are no providers: write `region:` at the top; credentials come from the AWS profile",
    ),
    (
        "terraform",
        "there is no `terraform` block: a remote state is `state: { backend: s3, bucket: NAME }`",
    ),
    (
        "backend",
        "a remote state is `state: { backend: s3, bucket: NAME }` at the top",
    ),
    (
        "lifecycle",
        "`prevent_destroy` is `protect: true`, and `ignore_changes` is `ignore: [field]`; the order of a replacement is worked out",
    ),
    (
        "variable",
        "declare it under `variables:`, as `name: { default: … }`",
    ),
    ("output", "write it under `outputs:`, as `name: ${…}`"),
    (
        "resource",
        "write it under `resources:`, as `name: { type: …, … }`",
    ),
    (
        "dynamic",
        "there are no dynamic blocks: write the list itself, or a variable with `type: list`",
    ),
    (
        "provisioner",
        "there are no provisioners: `migrate` of a service runs a task before a release",
    ),
];

/// The first word of a `${…}`, and what takes its place.
const REFERENCES: &[(&str, &str)] = &[
    (
        "count",
        "there is no `count`, and no index: write an entry for each",
    ),
    ("each", "there is no `for_each`: write an entry for each"),
    (
        "local",
        "declare a variable with a default, and write `${var.name}`",
    ),
    (
        "data",
        "`existing:` looks a network, zone, cluster or certificate up; other ids are variables",
    ),
    (
        "module",
        "refer to the component by its name: `${network.vpc_id}`",
    ),
    ("path", "paths are relative to the stack file"),
    ("terraform", "`${env}` is the environment's name"),
    ("self", "refer to the entry by its name"),
    (
        "env",
        "`${env}` is the environment's name; the process environment gives variables: `CIRCLES_VAR_name`",
    ),
];

fn find(table: &'static [(&str, &str)], word: &str) -> Option<String> {
    let found = table.iter().find(|(key, _)| *key == word);
    found.map(|(_, advice)| (*advice).to_owned())
}

/// What to write instead of a key of Terraform's.
pub fn instead_of_key(key: &str) -> Option<String> {
    find(KEYS, key)
}

/// What to write instead of a reference of Terraform's, `${count.index}`.
pub fn instead_of_reference(path: &str) -> Option<String> {
    let (head, _) = path.split_once('.')?;
    find(REFERENCES, head)
}

/// The first `name = value` of a `.tfvars` file, as YAML.
pub fn variable_as_yaml(text: &str) -> Option<String> {
    let line = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with(['#', '/']))?;
    let (name, value) = line.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    let is_name = name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    (is_name && !name.is_empty()).then(|| format!("{name}: {value}"))
}
