//! The samples: for every kind what to ask for. To add one, write it into a file of its room below and name it in that file's
//! `contract!` list; what it refers to (`${vpc.id}`) is another sample, and is made first.

mod account;
mod data;
mod network;
mod serving;

use circles_infra::model::Value;
use serde_json::Value as Json;

use super::defaults::parse;
use super::stage::Stage;
use super::{interrupted, lifecycle};
use crate::local_aws::LocalAws;

#[derive(Clone)]
pub struct Sample {
    pub address: &'static str,
    pub kind: &'static str,
    /// The least a stack has to say, `${address.attribute}` for what another sample knows.
    pub spec: Json,
    /// Another value for each field, in this order, each on top of the ones before. For a field that takes a replacement the value is only
    /// compared, never made.
    pub changes: Vec<(&'static str, Json)>,
    /// Another value for fields that the local AWS cannot change: only compared, never made.
    pub compared: Vec<(&'static str, Json)>,
    /// Fields without another value, and why.
    pub unchanged: Vec<(&'static str, &'static str)>,
    /// Samples it stands on without referring to them.
    pub besides: Vec<&'static str>,
    /// Strays of this kind are looked for only beside an asked one: this sample's, which is made first.
    pub stray_beside: Option<&'static str>,
    /// Taken through the whole contract; otherwise only there for others.
    pub tested: bool,
}

impl Sample {
    pub fn new(address: &'static str, kind: &'static str, spec: Json) -> Self {
        Self {
            address,
            kind,
            spec,
            changes: Vec::new(),
            compared: Vec::new(),
            unchanged: Vec::new(),
            besides: Vec::new(),
            stray_beside: None,
            tested: true,
        }
    }

    pub fn change(mut self, field: &'static str, value: Json) -> Self {
        self.changes.push((field, value));
        self
    }

    pub fn compared(mut self, field: &'static str, value: Json) -> Self {
        self.compared.push((field, value));
        self
    }

    pub fn unchanged(mut self, field: &'static str, why: &'static str) -> Self {
        self.unchanged.push((field, why));
        self
    }

    pub fn besides(mut self, address: &'static str) -> Self {
        self.besides.push(address);
        self
    }

    pub fn stray_beside(mut self, address: &'static str) -> Self {
        self.stray_beside = Some(address);
        self.besides(address)
    }

    /// There for others only: its kind's contract is played with another sample.
    pub fn for_others(mut self) -> Self {
        self.tested = false;
        self
    }
}

pub fn all() -> Vec<Sample> {
    [
        network::samples(),
        account::samples(),
        serving::samples(),
        data::samples(),
    ]
    .concat()
}

pub fn named(address: &str) -> Sample {
    let found = all().into_iter().find(|sample| sample.address == address);
    found.unwrap_or_else(|| panic!("no sample {address}"))
}

/// The samples that `sample` refers to, and those it names besides.
pub fn needs(sample: &Sample) -> Vec<Sample> {
    let mut addresses: Vec<String> = sample.besides.iter().map(|&a| a.to_owned()).collect();
    let changes = sample.changes.iter().map(|(_, json)| json);
    for json in changes.chain([&sample.spec]) {
        let value: Value = parse(json);
        value.each_expr(&mut |expr| {
            addresses.extend(expr.references().map(|r| r.address.to_string()));
        });
    }
    addresses.sort();
    addresses.dedup();
    addresses.iter().map(|address| named(address)).collect()
}

/// The whole contract, for one sample.
pub async fn keeps_the_contract(address: &str) {
    let local = LocalAws::shared();
    let _alone = local.alone().await;
    let sample = named(address);
    let mut stage = Stage::open(&local).await;
    stage.build_needs(&sample).await;
    let calls = lifecycle::play(&stage, &sample).await;
    interrupted::play(&stage, &sample, &calls).await;
}

/// One test per sample: `contract!(vpc, "vpc"; nat_gateway, "nat-gateway")`.
macro_rules! contract {
    ($($test:ident, $address:literal);+ $(;)?) => {$(
        #[tokio::test]
        async fn $test() {
            super::keeps_the_contract($address).await;
        }
    )+};
}
use contract;
