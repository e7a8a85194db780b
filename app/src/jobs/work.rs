//! What each job does.

use super::{osm, purge};
use crate::app::App;
use crate::error::Result;
use crate::{files, presence};

#[derive(Debug, Clone, Copy)]
pub(super) enum Work {
    ReapTasks,
    DisappearMessages,
    PurgeActivities,
    PurgePlaceChat,
    PurgeCodes,
    PurgeLive,
    SeedFromOsm,
    NamePlaces,
    SweepFiles,
}

impl Work {
    pub(super) async fn run(self, app: &App) -> Result<()> {
        match self {
            Work::ReapTasks => presence::reap(&app.db).await,
            Work::DisappearMessages => purge::disappear_messages(app).await,
            Work::PurgeActivities => purge::activities(app).await,
            Work::PurgePlaceChat => purge::place_chat(app).await,
            Work::PurgeCodes => purge::codes(app).await,
            Work::PurgeLive => purge::live(app).await,
            Work::SeedFromOsm => osm::seed(app).await,
            Work::NamePlaces => osm::name_places(app).await,
            Work::SweepFiles => files::sweep_due(app).await,
        }
    }
}
