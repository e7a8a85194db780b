//! A handler whose inputs are all read before it is decided: the answer tells the problems of path, query and body together.
//!
//! axum asks a handler's extractors one after the other and ends at the first refusal. Here an input error waits for those of the
//! others; any other refusal (no token, no right, a body too large) still ends the request at once, so access stays decided first.

use std::future::Future;
use std::pin::Pin;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::handler::Handler;
use axum::response::{IntoResponse, Response};

use crate::error::{ApiError, Issue};

/// The handler `handler`, with its input problems told together. Used by [`routes!`](crate::routes).
#[must_use]
pub const fn whole<F>(handler: F) -> Whole<F> {
    Whole(handler)
}

/// See [`whole`].
#[derive(Clone, Copy)]
pub struct Whole<F>(F);

/// The input problems met so far.
#[derive(Default)]
struct Problems(Vec<Issue>);

impl Problems {
    /// The part when it could be read; its input problems are kept for later.
    fn read<T>(&mut self, part: Result<T, impl Into<ApiError>>) -> Result<Option<T>, ApiError> {
        match part.map_err(Into::into) {
            Ok(part) => Ok(Some(part)),
            Err(ApiError::Invalid(issues)) => {
                // Two structures read from one query can meet the same problem.
                let known = |issue: &Issue| self.0.iter().any(|told| told.loc == issue.loc);
                let fresh: Vec<Issue> = issues.into_iter().filter(|i| !known(i)).collect();
                self.0.extend(fresh);
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }
}

impl<F, Fut, Answer, S> Handler<((),), S> for Whole<F>
where
    F: FnOnce() -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Answer> + Send,
    Answer: IntoResponse,
    S: Send + Sync + 'static,
{
    type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn call(self, _: Request, _: S) -> Self::Future {
        Box::pin(async move { self.0().await.into_response() })
    }
}

macro_rules! reads {
    ($($part:ident),* ; $last:ident) => {
        #[allow(non_snake_case)]
        impl<F, Fut, Answer, S, Via, $($part,)* $last> Handler<(Via, $($part,)* $last,), S> for Whole<F>
        where
            F: FnOnce($($part,)* $last) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future<Output = Answer> + Send,
            Answer: IntoResponse,
            S: Send + Sync + 'static,
            $($part: FromRequestParts<S> + Send, $part::Rejection: Into<ApiError>,)*
            $last: FromRequest<S, Via> + Send,
            $last::Rejection: Into<ApiError>,
        {
            type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

            fn call(self, request: Request, state: S) -> Self::Future {
                let answer = async move {
                    #[allow(unused_mut)]
                    let (mut head, body) = request.into_parts();
                    let mut problems = Problems::default();
                    $(let $part = problems.read($part::from_request_parts(&mut head, &state).await)?;)*
                    let request = Request::from_parts(head, body);
                    let $last = problems.read($last::from_request(request, &state).await)?;
                    match ($($part,)* $last,) {
                        ($(Some($part),)* Some($last),) => Ok(self.0($($part,)* $last).await.into_response()),
                        _ => Err(ApiError::Invalid(problems.0)),
                    }
                };
                Box::pin(async move { answer.await.unwrap_or_else(ApiError::into_response) })
            }
        }
    };
}

reads!(; T1);
reads!(T1; T2);
reads!(T1, T2; T3);
reads!(T1, T2, T3; T4);
reads!(T1, T2, T3, T4; T5);
reads!(T1, T2, T3, T4, T5; T6);

/// `utoipa_axum::routes!`, for handlers that tell their input problems together.
#[macro_export]
macro_rules! routes {
    ($($handler:path),+ $(,)?) => {{
        use utoipa_axum::PathItemExt;
        let mut paths = utoipa::openapi::path::Paths::new();
        let mut schemas = Vec::<(String, utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>)>::new();
        let router = axum::routing::MethodRouter::new();
        $(
            let (path, item, methods) = utoipa_axum::routes!(@resolve_types $handler : schemas);
            let router = methods.iter().fold(router, |router, method| {
                router.on(method.to_method_filter(), $crate::extract::whole::whole($handler))
            });
            paths.add_path_operation(&path, methods, item);
        )+
        (schemas, paths, router)
    }};
}
