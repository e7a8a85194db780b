//! Comments on check-ins.

use std::collections::HashMap;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::model;
use crate::activity::{self, Cause};
use crate::app::App;
use crate::auth::User;
use crate::bounds::{Bool, Id, Text};
use crate::error::{ApiError, Result};
use crate::event::{self, About};
use crate::extract::{Json, Path, Query};
use crate::page::{Page, Paging, count_of};
use crate::stamp::Stamp;
use crate::visible;

#[derive(Debug, Serialize, ToSchema, sqlx::FromRow)]
pub struct Comment {
    id: i64,
    check_in_id: i64,
    user_id: i64,
    user_name: String,
    user_avatar_url: Option<String>,
    content: String,
    created_at: Stamp,
    updated_at: Stamp,
    reply_to_id: Option<i64>,
    reply_to_text: Option<String>,
    reply_to_user_name: Option<String>,
    #[sqlx(skip)]
    #[schema(no_recursion)]
    replies: Vec<Comment>,
}

/// SQL of [`Comment`]s aliased `m` as the user `$1` sees them. A reply to somebody who blocks the viewer quotes nothing.
fn comments() -> String {
    format!(
        "select m.id, m.check_in_id, m.user_id, coalesce(u.name, 'User ' || u.id) as user_name, \
         u.avatar_url as user_avatar_url, m.content, m.created_at, m.updated_at, m.reply_to_id, \
         case when r.id is null or q.shown then m.reply_to_text end as reply_to_text, \
         case when r.id is not null and q.shown then coalesce(ru.name, 'User ' || ru.id) end as reply_to_user_name \
         from check_in_comments m join users u on u.id = m.user_id \
         left join check_in_comments r on r.id = m.reply_to_id left join users ru on ru.id = r.user_id \
         cross join lateral (select {} as shown) q ",
        visible::author("ru.id", "$1::bigint")
    )
}

/// SQL, from its `from` on: the comments on the check-in that the viewer may know of.
fn rows(check_in: &str, viewer: &str) -> String {
    format!(
        "from check_in_comments m where m.check_in_id = {check_in} and {}",
        visible::author("m.user_id", viewer)
    )
}

/// SQL: how many comments on the check-in the viewer may know of.
pub fn counted(check_in: &str, viewer: &str) -> String {
    format!("(select count(*) {})", rows(check_in, viewer))
}

async fn finished(app: &App, mut comments: Vec<Comment>) -> Vec<Comment> {
    for comment in &mut comments {
        comment.user_avatar_url = app
            .objects
            .address_opt(comment.user_avatar_url.as_deref())
            .await;
    }
    comments
}

/// Puts replies under their parents. A reply whose parent is not among them stands by itself.
fn nested(comments: Vec<Comment>) -> Vec<Comment> {
    let known: std::collections::HashSet<i64> = comments.iter().map(|c| c.id).collect();
    let mut by_parent: HashMap<Option<i64>, Vec<Comment>> = HashMap::new();
    for comment in comments {
        // Parents are older than their replies, so no comment can be its own ancestor.
        let parent = comment
            .reply_to_id
            .filter(|id| known.contains(id) && *id < comment.id);
        by_parent.entry(parent).or_default().push(comment);
    }
    fn gather(
        parent: Option<i64>,
        by_parent: &mut HashMap<Option<i64>, Vec<Comment>>,
        depth: usize,
    ) -> Vec<Comment> {
        let mut level = by_parent.remove(&parent).unwrap_or_default();
        // Deeper answers than anyone reads stay flat, so that no chain can exhaust the stack.
        if depth < 32 {
            for comment in &mut level {
                comment.replies = gather(Some(comment.id), by_parent, depth + 1);
            }
        }
        level
    }
    gather(None, &mut by_parent, 0)
}

#[derive(Deserialize, IntoParams)]
pub struct ThreadedQuery {
    #[serde(default)]
    #[param(inline)]
    threaded: Bool,
}

/// The comments, oldest first; replies under their parents when `threaded`.
#[utoipa::path(get, path = "/check-ins/{check_in_id}/comments", tag = "check-ins", params(Paging, ThreadedQuery),
    responses((status = 200, body = Page<Comment>)))]
pub async fn list(
    State(app): State<App>,
    user: User,
    Path(check_in_id): Path<i64>,
    Query(paging): Query<Paging>,
    Query(form): Query<ThreadedQuery>,
) -> Result<Json<Page<Comment>>> {
    model::seen(&app.db, user.id, check_in_id).await?;
    let count = format!("select {}", count_of(&rows("$1", "$2::bigint")));
    let total = sqlx::query_scalar(&count)
        .bind(check_in_id)
        .bind(user.id)
        .fetch_one(&app.db)
        .await?;
    let sql = format!(
        "{} where m.check_in_id = $2 and {} order by m.created_at, m.id limit $3 offset $4",
        comments(),
        visible::author("m.user_id", "$1::bigint")
    );
    let rows = sqlx::query_as(&sql)
        .bind(user.id)
        .bind(check_in_id)
        .bind(paging.limit())
        .bind(paging.offset());
    let comments = finished(&app, rows.fetch_all(&app.db).await?).await;
    Ok(Json(paging.page(
        if *form.threaded {
            nested(comments)
        } else {
            comments
        },
        total,
    )))
}

#[derive(Deserialize, ToSchema)]
pub struct CommentBody {
    content: Text<1, 1000>,
    reply_to_id: Option<Id>,
}

/// Comments on a check-in.
#[utoipa::path(post, path = "/check-ins/{check_in_id}/comments", tag = "check-ins", responses((status = 200, body = Comment)))]
pub async fn create(
    State(app): State<App>,
    user: User,
    Path(check_in_id): Path<i64>,
    Json(body): Json<CommentBody>,
) -> Result<Json<Comment>> {
    let mut tx = app.db.begin().await?;
    let owner = model::seen(&mut *tx, user.id, check_in_id).await?;
    if body.content.trim().is_empty() {
        return Err(ApiError::bad("Comment cannot be empty"));
    }
    let reply_to = body.reply_to_id.map(|id| *id);
    let quoted: Option<String> = match reply_to {
        None => None,
        Some(parent) => {
            let sql = format!(
                "select left(m.content, 200) from check_in_comments m where m.id = $1 and m.check_in_id = $2 and {}",
                visible::author("m.user_id", "$3::bigint")
            );
            let found = sqlx::query_scalar(&sql)
                .bind(parent)
                .bind(check_in_id)
                .bind(user.id)
                .fetch_optional(&mut *tx)
                .await?;
            Some(found.ok_or(ApiError::NotFound("Comment"))?)
        }
    };
    let sql = "insert into check_in_comments (check_in_id, user_id, content, reply_to_id, reply_to_text, created_at, updated_at) \
               values ($1, $2, $3, $4, $5, statement_timestamp(), statement_timestamp()) returning id";
    let id: i64 = sqlx::query_scalar(sql)
        .bind(check_in_id)
        .bind(user.id)
        .bind(&*body.content)
        .bind(reply_to)
        .bind(quoted)
        .fetch_one(&mut *tx)
        .await?;
    let content = &*body.content;
    let cause = Cause::Comment {
        id,
        check_in: check_in_id,
    };
    activity::record(&mut tx, user.id, cause).await?;
    let data = json!({ "check_in_id": check_in_id, "comment_id": id, "user_id": user.id, "user_name": user.display_name(), "content": content });
    event::notify(&mut tx, owner, user.id, About::NewComment, data).await?;
    tx.commit().await?;
    let sql = format!("{} where m.id = $2", comments());
    let query = sqlx::query_as(&sql).bind(user.id).bind(id);
    let comment = query.fetch_one(&app.db).await?;
    finished(&app, vec![comment])
        .await
        .pop()
        .map(Json)
        .ok_or(ApiError::NotFound("Comment"))
}

/// Removes a comment; its author and the check-in's owner may.
#[utoipa::path(delete, path = "/check-ins/{check_in_id}/comments/{comment_id}", tag = "check-ins", responses((status = 204, description = "Removed")))]
pub async fn remove(
    State(app): State<App>,
    user: User,
    Path((check_in_id, comment_id)): Path<(i64, i64)>,
) -> Result<StatusCode> {
    let owner = model::seen(&app.db, user.id, check_in_id).await?;
    let sql = "select user_id from check_in_comments where id = $1 and check_in_id = $2";
    let author: Option<i64> = sqlx::query_scalar(sql)
        .bind(comment_id)
        .bind(check_in_id)
        .fetch_optional(&app.db)
        .await?;
    let author = author.ok_or(ApiError::NotFound("Comment"))?;
    if user.id != author && user.id != owner {
        return Err(ApiError::forbidden(
            "Only the author or the check-in's owner may delete a comment",
        ));
    }
    let mut tx = app.db.begin().await?;
    sqlx::query("delete from check_in_comments where id = $1")
        .bind(comment_id)
        .execute(&mut *tx)
        .await?;
    activity::forget_comment(&mut tx, comment_id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comment(id: i64, reply_to: Option<i64>) -> Comment {
        Comment {
            id,
            check_in_id: 1,
            user_id: 1,
            user_name: String::new(),
            user_avatar_url: None,
            content: String::new(),
            created_at: Stamp::now(),
            updated_at: Stamp::now(),
            reply_to_id: reply_to,
            reply_to_text: None,
            reply_to_user_name: None,
            replies: Vec::new(),
        }
    }

    #[test]
    fn replies_nest_and_orphans_stand_alone() {
        let tree = nested(vec![
            comment(2, Some(1)),
            comment(3, None),
            comment(4, Some(3)),
            comment(5, Some(4)),
        ]);
        let ids: Vec<i64> = tree.iter().map(|c| c.id).collect();
        assert_eq!(ids, [2, 3]);
        assert_eq!(tree[1].replies[0].replies[0].id, 5);
    }
}
