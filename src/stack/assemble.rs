//! The stack put together from what was read.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::checked::{BuildInfo, Existing, Resource, ServiceInfo, Stack};
use super::desk::Desk;
use super::entry::Checked;
use super::expand;
use super::reading::Reading;
use crate::model::{Address, Value};

impl Reading<'_, '_> {
    pub fn assemble(
        &self,
        desk: &Desk<'_>,
        entries: &[Checked<'_>],
        resources: Vec<Resource>,
        outputs: Vec<(String, Value)>,
        moved: Vec<(Address, Address)>,
    ) -> Stack {
        let settings = self.settings;
        let on = || entries.iter().filter(|checked| checked.common.on);
        let existing = on().filter_map(|checked| {
            Some(Existing {
                address: Address::from(checked.name.as_str()),
                kind: checked.ty.name().to_owned(),
                criteria: criteria(checked)?,
                origin: desk.sources.origin(checked.span),
            })
        });
        let services = on().filter(|checked| checked.ty.name() == "fargate_service");
        Stack {
            name: self.place.stack.clone(),
            environment: self.environment.name.clone(),
            region: settings.region.clone(),
            account: settings.account.clone(),
            other_accounts: self.other_accounts(),
            assume_role: settings.assume_role.clone(),
            ephemeral: settings.ephemeral,
            protect: settings.protect,
            tags: settings.tags.clone(),
            state: settings.state.clone(),
            prefix: self.place.prefix.clone(),
            outputs,
            moved,
            variables: self.variables.known.clone(),
            warnings: Vec::new(),
            digest: self.digest(),
            existing: existing.collect(),
            services: services
                .filter_map(|checked| service(checked, &resources))
                .collect(),
            resources,
        }
    }

    fn other_accounts(&self) -> Vec<String> {
        let own = self.settings.account.as_ref();
        let others = self.environment.other_accounts.iter();
        others
            .filter(|account| Some(*account) != own)
            .cloned()
            .collect()
    }

    fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        let variables = serde_json::to_string(&self.variables.known).unwrap_or_default();
        let place = [
            &self.place.environment,
            &self.place.account,
            &self.place.region,
        ];
        for text in [self.request.text, &variables]
            .into_iter()
            .chain(place.map(String::as_str))
        {
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text);
        }
        hasher
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

/// By what an existing one is found; what the file says about it besides is used as it stands.
fn criteria(checked: &Checked<'_>) -> Option<BTreeMap<String, Value>> {
    let mut criteria = checked.existing.clone()?;
    criteria.retain(|name, _| !expand::GIVEN_OF_EXISTING.contains(&name.as_str()));
    Some(criteria)
}

fn service(checked: &Checked<'_>, resources: &[Resource]) -> Option<ServiceInfo> {
    let address = Address::from(checked.name.as_str());
    let find = |child: &str| {
        let wanted = address.child(child);
        resources.iter().find(|resource| resource.address == wanted)
    };
    let definition = find("task-definition")?;
    let fields = &checked.attributes;
    let containers = definition
        .attributes
        .get("containers")
        .as_list()
        .unwrap_or_default();
    let container = containers
        .first()
        .and_then(|c| c.as_map()?.get("name")?.as_text());
    let image = ["image", "image_digest", "image_tag"]
        .iter()
        .map(|field| fields.get(field))
        .find(|value| !value.is_null());
    Some(ServiceInfo {
        service: find("service")?.address.clone(),
        task_definition: definition.address.clone(),
        container: container.unwrap_or_default().to_owned(),
        repository: fields.text("repository").map(Address::from),
        target_group: find("target-group").map(|resource| resource.address.clone()),
        cluster: fields.text("cluster").map(Address::from)?,
        log_group: fields.text("log_group").map(Address::from),
        image: image.cloned().unwrap_or_default(),
        build: build(fields.get("build")),
        migrate: words(fields.get("migrate")),
        rotate_login: words(fields.get("rotate_login")),
        rotation_role: find("rotation-role").map(|resource| resource.address.clone()),
        architecture: fields.text("architecture").unwrap_or("X86_64").to_owned(),
        address,
    })
}

/// A command.
fn words(value: &Value) -> Vec<String> {
    value
        .as_list()
        .unwrap_or_default()
        .iter()
        .filter_map(|word| word.as_text().map(str::to_owned))
        .collect()
}

fn build(value: &Value) -> Option<BuildInfo> {
    let map = value.as_map()?;
    let text = |name: &str| map.get(name).and_then(Value::as_text).map(str::to_owned);
    let args = map.get("args").and_then(Value::as_map);
    Some(BuildInfo {
        context: text("context")?,
        dockerfile: text("dockerfile"),
        target: text("target"),
        args: args
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name.clone(), value.as_text()?.to_owned())))
            .collect(),
    })
}
