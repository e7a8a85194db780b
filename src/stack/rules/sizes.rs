//! Pairs of cpu and memory that Fargate offers (ECS developer guide, "Task CPU and memory").

use super::Seen;
use crate::diagnostic::code;
use crate::stack::desk::Desk;

/// (cpu, least MiB, most MiB, step); 256 is special: 512, 1024, 2048.
const SIZES: &[(i64, i64, i64, i64)] = &[
    (256, 512, 2048, 512),
    (512, 1024, 4096, 1024),
    (1024, 2048, 8192, 1024),
    (2048, 4096, 16384, 1024),
    (4096, 8192, 30720, 1024),
    (8192, 16384, 61440, 4096),
    (16384, 32768, 122_880, 8192),
];

fn offered(size: &(i64, i64, i64, i64), memory: i64) -> bool {
    let (cpu, least, most, step) = *size;
    (least..=most).contains(&memory) && memory % step == 0 && !(cpu == 256 && memory == 1536)
}

pub fn check(desk: &mut Desk<'_>, seen: &Seen<'_>) {
    for definition in seen.of_kind("ecs.task_definition") {
        let get = |field: &str| definition.attributes.get(field).as_int();
        let (Some(cpu), Some(memory)) = (get("cpu"), get("memory")) else {
            continue;
        };
        let Some(size) = SIZES.iter().find(|size| size.0 == cpu) else {
            let known: Vec<String> = SIZES.iter().map(|size| size.0.to_string()).collect();
            desk.error(
                code::FARGATE_SIZE,
                seen.span(definition, "cpu"),
                format!("Fargate has no tasks with cpu {cpu}"),
            )
            .help(format!("one of {}", known.join(", ")));
            continue;
        };
        if offered(size, memory) {
            continue;
        }
        let nearest = (1..=122_880 / 512)
            .map(|n| n * 512)
            .filter(|memory| offered(size, *memory))
            .min_by_key(|offer| ((offer - memory).abs(), *offer));
        let fitting = SIZES.iter().find(|size| offered(size, memory));
        let help = match (nearest, fitting) {
            (Some(near), Some(fit)) => {
                format!(
                    "write `memory: {near}`, or `cpu: {}` for this memory",
                    fit.0
                )
            }
            (Some(near), None) => format!("write `memory: {near}`"),
            _ => continue,
        };
        let range = if cpu == 256 {
            "512, 1024 or 2048".to_owned()
        } else {
            format!("{} to {} in steps of {}", size.1, size.2, size.3)
        };
        desk.error(
            code::FARGATE_SIZE,
            seen.span(definition, "memory"),
            format!("Fargate does not offer {memory} MiB with cpu {cpu}: {range}"),
        )
        .and(seen.span(definition, "cpu"), "with this cpu")
        .help(help);
    }
}

#[cfg(test)]
mod tests {
    use super::{SIZES, offered};

    #[test]
    fn offers_what_the_guide_lists() {
        let count = |cpu: i64| {
            let size = SIZES.iter().find(|size| size.0 == cpu).unwrap();
            (1..=122_880)
                .filter(|memory| offered(size, *memory))
                .count()
        };
        // 0.5, 1, 2 GB; 1–4; 2–8; 4–16; 8–30; 16–60 by 4; 32–120 by 8.
        assert_eq!(
            [256, 512, 1024, 2048, 4096, 8192, 16384].map(count),
            [3, 4, 7, 13, 23, 12, 12]
        );
    }
}
