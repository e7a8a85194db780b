//! Days that a log group keeps its lines: CloudWatch Logs takes certain numbers only.

use super::Seen;
use crate::diagnostic::code;
use crate::stack::desk::Desk;

/// What PutRetentionPolicy takes (API reference).
const OFFERED: [i32; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

pub fn check(desk: &mut Desk<'_>, seen: &Seen<'_>) {
    for group in seen.of_kind("logs.log_group") {
        let days = seen.known(group.attributes.get("retention_days")).as_int();
        let Some(days) = days.filter(|days| !offered().any(|offer| offer == *days)) else {
            continue;
        };
        let shorter = offered().filter(|offer| *offer < days).max();
        let longer = offered().find(|offer| *offer > days);
        let near: Vec<String> = shorter
            .into_iter()
            .chain(longer)
            .map(|days| format!("`{days}`"))
            .collect();
        desk.error(
            code::OUT_OF_BOUNDS,
            seen.span(group, "retention_days"),
            format!("CloudWatch Logs does not keep lines for {days} days"),
        )
        .help(format!("the nearest that it offers: {}", near.join(" or ")));
    }
}

fn offered() -> impl Iterator<Item = i64> {
    OFFERED.into_iter().map(i64::from)
}
