//! The stack's load balancers, with all that their listeners and rules forward to.

use futures::future::try_join_all;

use crate::aws::elbv2::routing::{ListenerRules, listeners};
use crate::aws::glance::{self, Balancer};
use crate::kind::CloudError;
use crate::session::Session;
use crate::state::Snapshot;

pub(super) struct Balancers {
    /// Those that are there.
    found: Vec<Balancer>,
    pub listeners: Vec<ListenerRules>,
}

impl Balancers {
    /// The state of the best of them; `None` when there is none any more.
    pub fn state(&self) -> Option<String> {
        let active = self.found.iter().find(|one| one.state == "active");
        active.or(self.found.first()).map(|one| one.state.clone())
    }

    /// Where the first of them answers.
    pub fn url(&self) -> Option<String> {
        let name = self.found.iter().find_map(|one| one.dns_name.as_deref());
        name.map(|name| format!("http://{name}"))
    }
}

impl Session {
    /// Those that the state knows, or that carry this environment's tags.
    pub(super) async fn balancers(&self, known: &Snapshot) -> Result<Balancers, CloudError> {
        let arns: Vec<&str> = known
            .resources
            .values()
            .filter(|record| record.kind.as_str() == "elbv2.load_balancer")
            .filter_map(|record| record.attributes.text("arn"))
            .collect();
        let looks = arns.iter().map(|arn| async move {
            tokio::try_join!(glance::balancer(&self.aws, arn), listeners(&self.aws, arn))
        });
        let all = try_join_all(looks).await?;
        let (found, listeners): (Vec<_>, Vec<_>) = all.into_iter().unzip();
        Ok(Balancers {
            found: found.into_iter().flatten().collect(),
            listeners: listeners.into_iter().flatten().collect(),
        })
    }
}
