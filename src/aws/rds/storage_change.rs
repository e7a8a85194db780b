//! What one change of a database's storage has to name. RDS wants size and IOPS together wherever the volume has provisioned IOPS (`io1`,
//! `io2`, and `gp3` from 400 GiB on), and takes no IOPS anywhere else; either mistake is `InvalidParameterCombination` (API reference,
//! ModifyDBInstance; RDS user guide, "Amazon RDS DB instance storage").

use crate::kind::{Class, CloudError};

/// From here on RDS spreads a `gp3` volume of PostgreSQL over several, with IOPS of its own.
const GP3_PROVISIONED_FROM: i32 = 400;
/// What such a `gp3` volume has at least, and at most.
const GP3_IOPS: (i32, i32) = (12_000, 64_000);

/// A volume as it is, or as it shall be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Volume<'a> {
    pub storage_type: &'a str,
    /// GiB.
    pub size: i32,
    pub iops: Option<i32>,
}

/// What is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct StorageChange<'a> {
    pub allocated: Option<i32>,
    pub storage_type: Option<&'a str>,
    pub iops: Option<i32>,
}

/// Whether IOPS go with the volume's size.
fn has_provisioned_iops(storage_type: &str, size: i32) -> bool {
    match storage_type {
        "io1" | "io2" => true,
        "gp3" => size >= GP3_PROVISIONED_FROM,
        _ => false,
    }
}

/// The change from `live` to `desired`; nothing where they are alike. Storage never shrinks: a live size above the desired one stays.
pub(super) fn storage_change<'a>(
    live: &Volume<'_>,
    desired: &Volume<'a>,
) -> Result<StorageChange<'a>, CloudError> {
    let size = live.size.max(desired.size);
    let grows = size > live.size;
    let retypes = live.storage_type != desired.storage_type;
    let other_iops = desired.iops.is_some() && desired.iops != live.iops;
    if !(grows || retypes || other_iops) {
        return Ok(StorageChange::default());
    }
    let provisioned = has_provisioned_iops(desired.storage_type, size);
    if other_iops && !provisioned {
        return Err(no_iops(desired.storage_type, size));
    }
    let iops = provisioned.then(|| iops_of(live, desired)).flatten();
    Ok(StorageChange {
        allocated: (grows || provisioned).then_some(size),
        storage_type: retypes.then_some(desired.storage_type),
        iops,
    })
}

/// The IOPS that go with the new size: the stack's, or else the live ones as far as the new type takes them.
fn iops_of(live: &Volume<'_>, desired: &Volume<'_>) -> Option<i32> {
    desired.iops.or(match desired.storage_type {
        "gp3" => Some(
            live.iops
                .unwrap_or(GP3_IOPS.0)
                .clamp(GP3_IOPS.0, GP3_IOPS.1),
        ),
        _ => live.iops,
    })
}

/// Whether `iops` may be named for a new volume.
pub(super) fn check_iops(volume: &Volume<'_>) -> Result<(), CloudError> {
    if volume.iops.is_some() && !has_provisioned_iops(volume.storage_type, volume.size) {
        return Err(no_iops(volume.storage_type, volume.size));
    }
    Ok(())
}

fn no_iops(storage_type: &str, size: i32) -> CloudError {
    CloudError::new(
        "rds:ModifyDBInstance",
        Class::Invalid,
        "Iops",
        format!(
            "a {storage_type} volume of {size} GiB takes no `iops`: leave it out, or use io1, io2, or gp3 from {GP3_PROVISIONED_FROM} GiB"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn volume(storage_type: &str, size: i32, iops: Option<i32>) -> Volume<'_> {
        Volume {
            storage_type,
            size,
            iops,
        }
    }

    const fn sent(
        allocated: Option<i32>,
        storage_type: Option<&'static str>,
        iops: Option<i32>,
    ) -> StorageChange<'static> {
        StorageChange {
            allocated,
            storage_type,
            iops,
        }
    }

    /// Long: a table, one row a change.
    #[test]
    fn size_and_iops_go_together_where_iops_are_provisioned() {
        for (live, desired, expected) in [
            // Nothing to change.
            (
                volume("gp3", 20, Some(3000)),
                volume("gp3", 20, None),
                sent(None, None, None),
            ),
            (
                volume("gp3", 20, Some(3000)),
                volume("gp3", 20, Some(3000)),
                sent(None, None, None),
            ),
            (
                volume("gp3", 50, Some(3000)),
                volume("gp3", 20, None),
                sent(None, None, None),
            ),
            (
                volume("io1", 100, Some(3000)),
                volume("io1", 100, Some(3000)),
                sent(None, None, None),
            ),
            // Below 400 GiB gp3 has none, and gp2 never has.
            (
                volume("gp3", 20, Some(3000)),
                volume("gp3", 100, None),
                sent(Some(100), None, None),
            ),
            (
                volume("gp3", 20, Some(3000)),
                volume("gp3", 399, None),
                sent(Some(399), None, None),
            ),
            (
                volume("gp2", 20, None),
                volume("gp2", 1000, None),
                sent(Some(1000), None, None),
            ),
            (
                volume("gp2", 20, None),
                volume("gp3", 20, None),
                sent(None, Some("gp3"), None),
            ),
            (
                volume("io1", 100, Some(3000)),
                volume("gp2", 100, None),
                sent(None, Some("gp2"), None),
            ),
            (
                volume("io1", 100, Some(3000)),
                volume("gp3", 100, None),
                sent(None, Some("gp3"), None),
            ),
            // Over the threshold: the least that the bigger volume has.
            (
                volume("gp3", 20, Some(3000)),
                volume("gp3", 400, None),
                sent(Some(400), None, Some(12_000)),
            ),
            (
                volume("gp3", 399, Some(3000)),
                volume("gp3", 500, Some(15_000)),
                sent(Some(500), None, Some(15_000)),
            ),
            // Above it, both always.
            (
                volume("gp3", 400, Some(12_000)),
                volume("gp3", 500, None),
                sent(Some(500), None, Some(12_000)),
            ),
            (
                volume("gp3", 500, Some(16_000)),
                volume("gp3", 600, None),
                sent(Some(600), None, Some(16_000)),
            ),
            (
                volume("gp3", 500, Some(12_000)),
                volume("gp3", 500, Some(20_000)),
                sent(Some(500), None, Some(20_000)),
            ),
            (
                volume("gp3", 900, Some(12_000)),
                volume("gp3", 500, Some(20_000)),
                sent(Some(900), None, Some(20_000)),
            ),
            // io1 and io2.
            (
                volume("io1", 100, Some(3000)),
                volume("io1", 100, Some(6000)),
                sent(Some(100), None, Some(6000)),
            ),
            (
                volume("io1", 100, Some(3000)),
                volume("io1", 200, None),
                sent(Some(200), None, Some(3000)),
            ),
            (
                volume("io2", 100, Some(3000)),
                volume("io2", 200, Some(3000)),
                sent(Some(200), None, Some(3000)),
            ),
            (
                volume("io1", 100, Some(3000)),
                volume("io2", 100, None),
                sent(Some(100), Some("io2"), Some(3000)),
            ),
            (
                volume("gp3", 100, Some(3000)),
                volume("io1", 100, Some(5000)),
                sent(Some(100), Some("io1"), Some(5000)),
            ),
            (
                volume("io1", 500, Some(3000)),
                volume("gp3", 500, None),
                sent(Some(500), Some("gp3"), Some(12_000)),
            ),
            (
                volume("io2", 500, Some(80_000)),
                volume("gp3", 500, None),
                sent(Some(500), Some("gp3"), Some(64_000)),
            ),
        ] {
            let change = storage_change(&live, &desired).ok();
            assert_eq!(change, Some(expected), "{live:?} -> {desired:?}");
        }
    }

    /// Whatever the volume: IOPS are sent exactly where they are provisioned, and never without the size.
    #[test]
    fn the_rule_holds_for_every_type_and_size() {
        let types = ["gp2", "gp3", "io1", "io2"];
        let sizes = [20, 100, 399, 400, 401, 1000];
        let each = |of: fn(&'static str, i32) -> Volume<'static>| {
            types
                .into_iter()
                .flat_map(move |name| sizes.into_iter().map(move |size| of(name, size)))
        };
        let all: Vec<Volume<'_>> = each(|name, size| volume(name, size, Some(12_000)))
            .chain(each(|name, size| volume(name, size, None)))
            .collect();
        for live in &all {
            for desired in &all {
                let Ok(change) = storage_change(live, desired) else {
                    assert!(desired.iops.is_some(), "{live:?} -> {desired:?}");
                    continue;
                };
                let size = live.size.max(desired.size);
                let provisioned = has_provisioned_iops(desired.storage_type, size);
                assert!(
                    change.iops.is_none() || provisioned,
                    "{live:?} -> {desired:?}"
                );
                assert!(change.iops.is_none() || change.allocated == Some(size));
                assert!(change.allocated.is_none_or(|sent| sent >= live.size));
                let changes = change != StorageChange::default();
                let known = desired.iops.or(live.iops).is_some() || desired.storage_type == "gp3";
                assert_eq!(
                    change.iops.is_some(),
                    changes && provisioned && known,
                    "{live:?} -> {desired:?}"
                );
            }
        }
    }

    #[test]
    fn iops_that_a_volume_cannot_have_are_refused() {
        for (live, desired) in [
            (volume("gp3", 20, Some(3000)), volume("gp3", 20, Some(4000))),
            (
                volume("gp3", 20, Some(3000)),
                volume("gp3", 399, Some(12_000)),
            ),
            (volume("gp2", 100, None), volume("gp2", 100, Some(3000))),
            (
                volume("io1", 100, Some(3000)),
                volume("gp3", 100, Some(5000)),
            ),
        ] {
            assert!(storage_change(&live, &desired).is_err_and(|error| error.is(Class::Invalid)));
        }
        assert!(check_iops(&volume("gp3", 20, Some(3000))).is_err());
        assert!(check_iops(&volume("gp3", 400, Some(12_000))).is_ok());
        assert!(check_iops(&volume("io1", 100, Some(3000))).is_ok());
        assert!(check_iops(&volume("gp2", 20, None)).is_ok());
    }
}
