//! Telling all tasks of something: a row with the frame, and a NOTIFY with the row's id (a notification holds 8000 bytes at most).

use serde_json::{Value, json};
use sqlx::{PgConnection, PgExecutor};

use crate::error::Result;
use crate::hub::Topic;
use crate::limits;
use crate::stamp;
use crate::visible;

pub const CHANNEL: &str = "circles_live";

/// A frame for the sockets of a topic.
#[derive(Debug)]
pub struct Event {
    pub topic: Topic,
    pub only: Option<i64>,
    pub except: Option<i64>,
    /// Whose doing it is: those who block that person, or are blocked, hear nothing of it.
    pub author: Option<i64>,
    pub payload: Value,
}

impl Event {
    #[must_use]
    pub fn to(topic: Topic, payload: Value) -> Event {
        Event {
            topic,
            only: None,
            except: None,
            author: None,
            payload,
        }
    }

    /// For topics where more than the two of a thread listen.
    #[must_use]
    pub fn by(mut self, author: i64) -> Event {
        self.author = Some(author);
        self
    }

    #[must_use]
    pub fn except(mut self, user: i64) -> Event {
        self.except = Some(user);
        self
    }
}

/// Sends the event when the surrounding transaction commits.
///
/// # Errors
/// The database's failure.
pub async fn emit(db: impl PgExecutor<'_>, event: &Event) -> Result<()> {
    let sql = "with e as (insert into live_events (topic, only_user, except_user, payload, except_users) values ($1, $2, $3, $4, \
               (select array_agg(case when b.user_id = $6 then b.peer_id else b.user_id end) from dm_participant_states b \
                where b.blocked and (b.user_id = $6 or b.peer_id = $6))) returning id) \
               select pg_notify($5, e.id || ' ' || $1) from e";
    sqlx::query(sql)
        .bind(event.topic.to_string())
        .bind(event.only)
        .bind(event.except)
        .bind(&event.payload)
        .bind(CHANNEL)
        .bind(event.author)
        .execute(db)
        .await?;
    Ok(())
}

/// What a notification is about, with the preference that can silence it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    DmRequest,
    NewFollower,
    NewLike,
    NewComment,
}

impl About {
    const fn name(self) -> &'static str {
        match self {
            About::DmRequest => "dm_request",
            About::NewFollower => "new_follower",
            About::NewLike => "new_like",
            About::NewComment => "new_comment",
        }
    }

    const fn preference(self) -> &'static str {
        match self {
            About::DmRequest => "dm_requests",
            About::NewFollower => "follows",
            About::NewLike => "likes",
            About::NewComment => "comments",
        }
    }
}

/// Seconds in which a like or a follow that was taken back and given again is told once.
const TOLD_ONCE: i32 = 3600;

/// Whether `user` has been notified of the same a while ago.
async fn is_repeated(
    db: &mut PgConnection,
    user: i64,
    actor: i64,
    about: About,
    data: &Value,
) -> Result<bool> {
    let subject = match about {
        About::NewLike => data["check_in_id"].to_string(),
        About::NewFollower => String::new(),
        About::DmRequest | About::NewComment => return Ok(false),
    };
    let key = format!("notice {} {actor} {user} {subject}", about.name());
    Ok(limits::wait_for(db, &key, TOLD_ONCE, 1).await? > 0.0)
}

/// Notifies `user` of what `actor` did, unless the user silenced such things, blocks the actor, is blocked, or is the actor.
///
/// # Errors
/// The database's failure.
pub async fn notify(
    db: &mut PgConnection,
    user: i64,
    actor: i64,
    about: About,
    data: Value,
) -> Result<()> {
    if user == actor {
        return Ok(());
    }
    let wanted = format!(
        "select not exists (select 1 from notification_preferences n where n.user_id = $1 and not n.{}) and {}",
        about.preference(),
        visible::unblocked("$1::bigint", "$2::bigint")
    );
    let wanted: bool = sqlx::query_scalar(&wanted)
        .bind(user)
        .bind(actor)
        .fetch_one(&mut *db)
        .await?;
    if !wanted || is_repeated(db, user, actor, about, &data).await? {
        return Ok(());
    }
    let payload = json!({
        "type": "notification", "notification_type": about.name(), "data": data, "timestamp": stamp::frame_now(),
    });
    emit(db, &Event::to(Topic::User(user), payload)).await
}
