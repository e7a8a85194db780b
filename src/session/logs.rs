//! What the services' tasks say: lines of their log groups, merged by time, each once.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join_all;

use super::{Session, SessionError};
use crate::aws::logs::events::{Line, Wanted, page};
use crate::kind::Class;
use crate::model::Address;

/// CloudWatch shows a line up to this long after the task wrote it, in milliseconds; a follower looks back so far for late ones.
const LATE: i64 = 30_000;

/// Where a service writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub group: String,
    /// The log groups may be shared: then streams are told apart by their beginning.
    pub prefix: Option<String>,
}

/// What was read so far.
#[derive(Clone, Debug)]
pub struct Follower {
    sources: Vec<Source>,
    pattern: Option<String>,
    /// Milliseconds since 1970.
    from: i64,
    /// Lines that were handed out already and may come again, with their time.
    seen: BTreeMap<String, i64>,
}

impl Session {
    /// The services' log groups; of one service, or of all.
    pub async fn log_sources(
        &self,
        service: Option<&Address>,
    ) -> Result<Vec<Source>, SessionError> {
        let services = self.services(service)?;
        let groups = self.remembered("logs.log_group").await?;
        let mut sources = Vec::new();
        for service in services {
            let Some(address) = &service.log_group else {
                continue;
            };
            let live = groups.iter().find(|(at, _)| at == address);
            let named = self.stack.resource(address.as_str());
            let name = live
                .and_then(|(_, attributes)| attributes.text("name"))
                .or(named.and_then(|resource| resource.attributes.text("name")));
            if let Some(name) = name {
                sources.push(Source {
                    group: name.to_owned(),
                    prefix: self.stream_prefix(&service.task_definition),
                });
            }
        }
        if sources.is_empty() {
            return Err(SessionError::NotFound(
                "no service of the stack writes to a log group".into(),
            ));
        }
        sources.sort_by(|a, b| (&a.group, &a.prefix).cmp(&(&b.group, &b.prefix)));
        sources.dedup();
        Ok(sources)
    }

    /// What its streams begin with, as the awslogs driver names them: `prefix/container/task`.
    fn stream_prefix(&self, task_definition: &Address) -> Option<String> {
        let definition = self.stack.resource(task_definition.as_str())?;
        let container = definition.attributes.get("containers").as_list()?.first()?;
        let log = container.as_map()?.get("log")?.as_map()?;
        let prefix = log.get("stream_prefix")?.as_text()?;
        Some(format!("{prefix}/"))
    }

    /// Hands out the lines of one look, in order; `take` says whether to go on. What was handed out before is left out.
    pub async fn read_logs(&self, follower: &mut Follower) -> Result<Vec<Line>, SessionError> {
        let pattern = follower.pattern.as_deref();
        let from = follower.from;
        let reads = follower
            .sources
            .iter()
            .map(|source| self.all_of(source, from, pattern));
        let lines = try_join_all(reads).await?.into_iter().flatten().collect();
        Ok(follower.fresh(lines))
    }

    async fn all_of(
        &self,
        source: &Source,
        from: i64,
        pattern: Option<&str>,
    ) -> Result<Vec<Line>, SessionError> {
        let wanted = Wanted {
            group: &source.group,
            from,
            pattern,
            prefix: source.prefix.as_deref(),
        };
        let mut all = Vec::new();
        let mut token = None;
        let mut before = BTreeSet::new();
        loop {
            let read = page(&self.aws, &wanted, token).await;
            let (lines, next) = read.map_err(|error| match error.class {
                Class::NotFound => SessionError::NotFound(format!(
                    "AWS has no log group {} yet: circles-infra apply makes it",
                    source.group
                )),
                _ => error.into(),
            })?;
            all.extend(lines);
            // A token that comes again is the end: there is nothing behind it.
            match next {
                Some(next) if before.insert(next.clone()) => token = Some(next),
                _ => return Ok(all),
            }
        }
    }
}

impl Follower {
    /// From that time on, in milliseconds since 1970.
    pub fn new(sources: Vec<Source>, from: i64, pattern: Option<String>) -> Self {
        Self {
            sources,
            pattern,
            from,
            seen: BTreeMap::new(),
        }
    }

    /// Those that were not handed out yet, by time; lines of one moment in AWS's order.
    fn fresh(&mut self, lines: Vec<Line>) -> Vec<Line> {
        let mut fresh: Vec<Line> = Vec::new();
        for line in lines {
            if self.seen.insert(line.id.clone(), line.at).is_none() {
                fresh.push(line);
            }
        }
        fresh.sort_by_key(|line| line.at);
        if let Some(last) = fresh.last() {
            self.from = self.from.max(last.at - LATE);
            let from = self.from;
            self.seen.retain(|_, at| *at >= from);
        }
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: &str, at: i64) -> Line {
        Line {
            id: id.into(),
            at,
            group: "/ecs/circles".into(),
            stream: "app/app/1".into(),
            message: format!("line {id}"),
        }
    }

    fn ids(lines: &[Line]) -> Vec<&str> {
        lines.iter().map(|line| line.id.as_str()).collect()
    }

    #[test]
    fn lines_come_by_time_and_each_once() {
        let mut follower = Follower::new(Vec::new(), 0, None);
        let first = follower.fresh(vec![line("b", 2000), line("a", 1000), line("c", 2000)]);
        assert_eq!(ids(&first), ["a", "b", "c"]);
        let second = follower.fresh(vec![line("b", 2000), line("late", 1500), line("d", 3000)]);
        assert_eq!(ids(&second), ["late", "d"]);
        assert!(follower.fresh(vec![line("d", 3000)]).is_empty());
    }

    #[test]
    fn what_cannot_come_again_is_forgotten() {
        let mut follower = Follower::new(Vec::new(), 0, None);
        follower.fresh(vec![line("a", 1000)]);
        assert_eq!(follower.from, 0);
        follower.fresh(vec![line("b", 100_000)]);
        assert_eq!(follower.from, 70_000);
        assert_eq!(follower.seen.len(), 1);
    }
}
