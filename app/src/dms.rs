//! Direct messages: threads of two people, requests to open one, messages, and what people do to them.

pub mod forward;
pub mod frames;
pub mod inbox;
pub mod message;
pub mod message_type;
pub mod participant;
pub mod reactions;
pub mod requests;
pub mod send;
pub mod source;
pub mod thread;
pub mod uploads;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::routes;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(requests::request, requests::list))
        .routes(routes!(requests::answer))
        .routes(routes!(requests::open))
        .routes(routes!(requests::accept))
        .routes(routes!(inbox::inbox))
        .routes(routes!(inbox::unread_everywhere))
        .routes(routes!(inbox::unread_in_thread))
        .routes(routes!(message::list, send::post))
        .routes(routes!(message::delete))
        .routes(routes!(participant::mark_read))
        .routes(routes!(participant::set_typing, participant::typing))
        .routes(routes!(participant::presence))
        .routes(routes!(participant::mute))
        .routes(routes!(participant::pin))
        .routes(routes!(participant::archive))
        .routes(routes!(participant::block))
        .routes(routes!(reactions::like, reactions::unlike))
        .routes(routes!(reactions::heart))
        .routes(routes!(reactions::react, reactions::reactions))
        .routes(routes!(reactions::unreact))
        .routes(routes!(forward::forward))
        .routes(routes!(forward::search))
        .routes(routes!(forward::share_location))
        .routes(routes!(forward::delivery_status))
        .merge(uploads::router())
}
