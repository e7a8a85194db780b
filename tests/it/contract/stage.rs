//! Where a contract is played: the local AWS, the kinds, what stands already, and the verbs with their permissions watched.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use circles_infra::aws::{Aws, Connect, kinds};
use circles_infra::kind::{
    AnyKind, Asked, AskedItem, CloudError, Cx, Extent, FieldChange, IntentVerb, Kinds, Memo,
    Observed, Readiness, Settle, TAGS, Verb,
};
use circles_infra::model::{
    Address, Attributes, KindName, Ownership, PhysicalId, Scope, Tags, Value,
};
use circles_infra::plan::diff::differences;

use super::defaults::{complete, parse};
use super::gate::{Gate, MadeUp, made_up};
use super::samples::{self, Sample};
use crate::local_aws::{LocalAws, SeenCall};

const REGION: &str = "eu-central-1";
/// Looks, or calls of one verb, until patience is over. The local AWS has no waits.
const ROUNDS: u32 = 100;

pub struct Stage<'a> {
    local: &'a LocalAws,
    pub kinds: Kinds,
    pub scope: Scope,
    /// What stands already, by address: attributes as observed.
    known: BTreeMap<Address, Attributes>,
}

impl<'a> Stage<'a> {
    pub async fn open(local: &'a LocalAws) -> Self {
        let aws = Aws::connect(&Connect {
            region: Some(REGION.into()),
            endpoint: Some(local.endpoint()),
            static_credentials: Some(("sandbox".into(), "sandbox".into())),
            ..Connect::default()
        })
        .await
        .expect("the local AWS answers");
        let scope = Scope {
            stack: "contract".into(),
            environment: "test".into(),
            account: aws.account.clone(),
            region: aws.region.clone(),
            partition: aws.partition.clone(),
        };
        Self {
            local,
            kinds: kinds(&Arc::new(aws)),
            scope,
            known: BTreeMap::new(),
        }
    }

    pub fn kind(&self, name: &'static str) -> Arc<dyn AnyKind> {
        let kind = self.kinds.get(&KindName::new(name));
        kind.unwrap_or_else(|| panic!("no kind {name}")).clone()
    }

    /// What a stack that says `json` comes to.
    pub fn desired(&self, sample: &Sample, json: &serde_json::Value) -> Attributes {
        let fields = self.kind(sample.kind).fields();
        let Value::Map(given) = parse(json) else {
            panic!("{}: a sample's spec is a map", sample.address);
        };
        complete(fields, &Attributes(given)).resolve(&|reference| {
            let known = self.known.get(&reference.address)?;
            known.path(&reference.attribute)
        })
    }

    /// Everything `sample` refers to or needs besides, made and ready, in order.
    pub async fn build_needs(&mut self, sample: &Sample) {
        for need in samples::needs(sample) {
            let address = Address::from(need.address);
            if self.known.contains_key(&address) {
                continue;
            }
            Box::pin(self.build_needs(&need)).await;
            let desired = self.desired(&need, &need.spec);
            let made = self.create(&need, &desired, &Arc::default()).await;
            let made =
                made.unwrap_or_else(|e| panic!("{} for {}: {e}", need.address, sample.address));
            let ready = self.until_ready(&need, &made.id).await;
            self.known.insert(address, ready.attributes);
        }
    }

    pub fn tags(&self, sample: &Sample) -> Tags {
        let mut tags = Ownership::new(&self.scope, &sample.address.into(), 1).tags();
        tags.insert("Name".into(), format!("contract-{}", sample.address));
        tags.insert("team".into(), "platform".into());
        tags
    }

    pub fn cx(&self, sample: &Sample, verb: IntentVerb, gate: &Arc<Gate>) -> Cx {
        Cx {
            scope: self.scope.clone(),
            address: sample.address.into(),
            kind: KindName::new(sample.kind),
            verb,
            generation: 1,
            tags: self.tags(sample),
            token: format!("{:032x}", rand::random::<u128>()),
            id: None,
            key: Attributes::default(),
            last: Attributes::default(),
            round: 0,
            gate: gate.clone(),
            secrets: Arc::new(MadeUp),
        }
    }

    pub async fn create(
        &self,
        sample: &Sample,
        desired: &Attributes,
        gate: &Arc<Gate>,
    ) -> Result<Observed, CloudError> {
        let kind = self.kind(sample.kind);
        let cx = self.cx(sample, IntentVerb::Create, gate);
        self.watched(&*kind, Verb::Create, gate, kind.create(&cx, desired))
            .await
    }

    /// One update, called until it says done.
    pub async fn update(
        &self,
        sample: &Sample,
        cx: &mut Cx,
        live: &Observed,
        desired: &Attributes,
        gate: &Arc<Gate>,
    ) -> Result<Observed, CloudError> {
        let kind = self.kind(sample.kind);
        cx.id = Some(live.id.clone());
        for round in 0..ROUNDS {
            cx.round = round;
            let changed = self.changed(sample, live, desired, &cx.tags);
            let call = kind.update(cx, live, desired, changed);
            match self.watched(&*kind, Verb::Update, gate, call).await? {
                Settle::Live(live) => return Ok(*live),
                Settle::Gone => panic!("{}: gone by an update", sample.address),
                Settle::Again(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
        panic!("{}: an update that never ends", sample.address);
    }

    /// One delete, called until it says done.
    pub async fn delete(
        &self,
        sample: &Sample,
        live: &Observed,
        desired: &Attributes,
        gate: &Arc<Gate>,
    ) -> Result<(), CloudError> {
        let kind = self.kind(sample.kind);
        let mut cx = self.cx(sample, IntentVerb::Delete, gate);
        cx.id = Some(live.id.clone());
        cx.last = desired.clone();
        for round in 0..ROUNDS {
            cx.round = round;
            let call = kind.delete(&cx, live);
            match self.watched(&*kind, Verb::Delete, gate, call).await? {
                Settle::Gone => return Ok(()),
                Settle::Live(_) => panic!("{}: alive after a delete", sample.address),
                Settle::Again(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
        panic!("{}: a delete that never ends", sample.address);
    }

    pub async fn find(
        &self,
        sample: &Sample,
        extent: Extent,
        items: Vec<AskedItem>,
    ) -> Vec<Observed> {
        self.find_in(&self.scope, sample, extent, items).await
    }

    /// A look on behalf of a stack that need not be ours.
    pub async fn find_in(
        &self,
        scope: &Scope,
        sample: &Sample,
        extent: Extent,
        items: Vec<AskedItem>,
    ) -> Vec<Observed> {
        let kind = self.kind(sample.kind);
        let asked = Asked {
            scope: scope.clone(),
            extent,
            items,
            memo: Arc::new(Memo::default()),
        };
        let gate = Arc::default();
        let found = self
            .watched(&*kind, Verb::Read, &gate, kind.find(&asked))
            .await;
        let found = found.unwrap_or_else(|e| panic!("{}: find: {e}", sample.address));
        let gone = |one: &Observed| matches!(one.readiness, Readiness::Going(_));
        found.into_iter().filter(|one| !gone(one)).collect()
    }

    /// Looks until it can be used.
    pub async fn until_ready(&self, sample: &Sample, id: &PhysicalId) -> Observed {
        let mut why = "not found".to_owned();
        for _ in 0..ROUNDS {
            let item = item(sample, Some(id), None);
            let found = self.find(sample, Extent::Items, vec![item]).await;
            match found.into_iter().find(|one| one.id == *id) {
                Some(one) if one.readiness == Readiness::Ready => return one,
                Some(one) => why = format!("{:?}", one.readiness),
                None => why = "not found".into(),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{} {id}: never ready: {why}", sample.address);
    }

    /// What an update has to bring about: fields, and tags.
    pub fn changed(
        &self,
        sample: &Sample,
        live: &Observed,
        desired: &Attributes,
        tags: &Tags,
    ) -> Vec<FieldChange> {
        let own = Address::from(sample.address);
        let secrets = |secret: &circles_infra::model::SecretRef| {
            if secret.address != own {
                return Some(made_up(secret));
            }
            let found = live.secrets.iter().find(|(key, _)| *key == secret.key);
            found.map(|(_, value)| value.clone())
        };
        let fields = self.kind(sample.kind).fields();
        let mut changed: Vec<FieldChange> =
            differences(fields, desired, &live.attributes, &secrets)
                .into_iter()
                .map(|difference| FieldChange {
                    field: difference.field.name.to_owned(),
                    from: difference.from,
                    to: difference.to,
                })
                .collect();
        if live.tags != *tags {
            let value = |tags: &Tags| Value::map(tags.iter().map(|(k, v)| (k, Value::text(v))));
            changed.push(FieldChange {
                field: TAGS.into(),
                from: value(&live.tags),
                to: value(tags),
            });
        }
        changed
    }

    /// Runs `work` with just the permissions of `verb`, and checks that every mutating call went through the gate and was named there by
    /// an action of the list.
    async fn watched<T>(
        &self,
        kind: &dyn AnyKind,
        verb: Verb,
        gate: &Arc<Gate>,
        work: impl Future<Output = Result<T, CloudError>>,
    ) -> Result<T, CloudError> {
        let permissions = kind.permissions(verb);
        self.local.allow(Some(permissions)).await;
        let (_, since) = self.local.calls(u64::MAX >> 1).await;
        let passed = gate.actions().len();
        let answer = work.await;
        let (calls, _) = self.local.calls(since).await;
        self.local.allow(None).await;
        let name = kind.name();
        let passed = gate.actions().split_off(passed);
        for action in &passed {
            assert!(
                permissions.contains(&action.as_str()),
                "{name}: {verb:?} sends {action}, which is not among its permissions"
            );
        }
        assert!(
            gate.all_finished(),
            "{name}: {verb:?} left a call unfinished"
        );
        let sent: Vec<&SeenCall> = calls.iter().filter(|call| call.mutating).collect();
        assert_eq!(
            sent.len(),
            passed.len(),
            "{name}: {verb:?} sent {sent:?}, and of these went through the gate: {passed:?}"
        );
        // S3's actions are not called like its operations; elsewhere they are.
        for (call, action) in sent.iter().zip(&passed) {
            let named = format!("{}:{}", call.service, call.action);
            assert!(
                call.service == "s3" || named == *action,
                "{name}: {verb:?} called {named} under the name of {action}"
            );
        }
        answer
    }
}

/// What a look asks for.
pub fn item(sample: &Sample, id: Option<&PhysicalId>, desired: Option<&Attributes>) -> AskedItem {
    AskedItem {
        address: sample.address.into(),
        id: id.cloned(),
        desired: desired.cloned(),
        last: None,
        tags: None,
    }
}
