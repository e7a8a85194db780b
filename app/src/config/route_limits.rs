//! How often one person may call each route that writes: the one table of these limits.
//!
//! A route without a line here fails a test. Callers without a token count by their address. Some routes have a finer limit in their
//! handler as well (messages, message requests, new places, one-time codes).

use std::collections::HashMap;

use super::source::Source;

const MINUTE: i32 = 60;
const HOUR: i32 = 3600;

// One line each, however long.
#[rustfmt::skip]
/// Method, path as the document names it, and the most calls of one person in so many seconds; an hour at most.
const TABLE: [(&str, &str, i32, i32); 75] = [
    ("POST", "/activity/feed/filtered", 120, MINUTE),
    ("POST", "/check-ins", 30, MINUTE),
    ("POST", "/check-ins/{check_in_id}/comments", 20, MINUTE),
    ("DELETE", "/check-ins/{check_in_id}/comments/{comment_id}", 60, MINUTE),
    ("DELETE", "/check-ins/{check_in_id}/like", 20, MINUTE),
    ("POST", "/check-ins/{check_in_id}/like", 20, MINUTE),
    ("POST", "/collections/", 30, HOUR),
    ("DELETE", "/collections/{collection_id}", 60, HOUR),
    ("PATCH", "/collections/{collection_id}", 30, MINUTE),
    ("PUT", "/collections/{collection_id}", 30, MINUTE),
    ("POST", "/collections/{collection_id}/items/{check_in_id}", 60, MINUTE),
    ("DELETE", "/collections/{collection_id}/items/{check_in_id}", 60, MINUTE),
    ("DELETE", "/collections/{collection_id}/places/{place_id}", 60, MINUTE),
    ("POST", "/collections/{collection_id}/places/{place_id}", 60, MINUTE),
    ("PUT", "/dms/messages/{message_id}/delivery-status", 240, MINUTE),
    ("DELETE", "/dms/messages/{message_id}/like", 60, MINUTE),
    ("POST", "/dms/messages/{message_id}/like", 60, MINUTE),
    ("POST", "/dms/open", 60, MINUTE),
    ("POST", "/dms/requests", 30, MINUTE),
    ("PUT", "/dms/requests/{thread_id}", 60, MINUTE),
    ("POST", "/dms/threads/{thread_id}/accept", 60, MINUTE),
    ("PUT", "/dms/threads/{thread_id}/archive", 60, MINUTE),
    ("POST", "/dms/threads/{thread_id}/forward", 30, MINUTE),
    ("POST", "/dms/threads/{thread_id}/mark-read", 120, MINUTE),
    ("POST", "/dms/threads/{thread_id}/messages", 120, MINUTE),
    ("DELETE", "/dms/threads/{thread_id}/messages/{message_id}", 60, MINUTE),
    ("POST", "/dms/threads/{thread_id}/messages/{message_id}/heart", 60, MINUTE),
    ("POST", "/dms/threads/{thread_id}/messages/{message_id}/reactions", 60, MINUTE),
    ("DELETE", "/dms/threads/{thread_id}/messages/{message_id}/reactions/{emoji}", 60, MINUTE),
    ("PUT", "/dms/threads/{thread_id}/mute", 60, MINUTE),
    ("PUT", "/dms/threads/{thread_id}/pin", 60, MINUTE),
    ("POST", "/dms/threads/{thread_id}/share-location", 60, MINUTE),
    ("POST", "/dms/threads/{thread_id}/typing", 60, MINUTE),
    ("PUT", "/dms/threads/{user_id}/block", 30, MINUTE),
    ("POST", "/dms/upload/file", 20, MINUTE),
    ("POST", "/dms/upload/media", 30, MINUTE),
    ("POST", "/dms/upload/voice", 30, MINUTE),
    ("DELETE", "/follow/{user_id}", 30, MINUTE),
    ("POST", "/follow/{user_id}", 30, MINUTE),
    ("POST", "/onboarding/check-username", 60, MINUTE),
    ("POST", "/onboarding/complete-setup", 10, MINUTE),
    ("POST", "/onboarding/request-otp", 60, MINUTE),
    ("POST", "/onboarding/verify-otp", 60, MINUTE),
    ("POST", "/places/", 60, HOUR),
    ("POST", "/places/check-ins", 30, MINUTE),
    ("POST", "/places/check-ins/full", 20, MINUTE),
    ("DELETE", "/places/check-ins/{check_in_id}", 60, MINUTE),
    ("PUT", "/places/check-ins/{check_in_id}", 60, MINUTE),
    ("DELETE", "/places/check-ins/{check_in_id}/photo", 60, MINUTE),
    ("POST", "/places/check-ins/{check_in_id}/photo", 30, MINUTE),
    ("DELETE", "/places/check-ins/{check_in_id}/photos/{photo_id}", 60, MINUTE),
    ("POST", "/places/enrich/{place_id}", 60, MINUTE),
    ("POST", "/places/promote/foursquare", 60, MINUTE),
    ("POST", "/places/reviews/{review_id}/photos", 30, MINUTE),
    ("DELETE", "/places/reviews/{review_id}/photos/{photo_id}", 60, MINUTE),
    ("POST", "/places/saved", 60, MINUTE),
    ("DELETE", "/places/saved/{place_id}", 60, MINUTE),
    ("POST", "/places/search/advanced", 60, MINUTE),
    ("POST", "/places/search/advanced/flexible", 60, MINUTE),
    ("POST", "/places/seed/from-osm", 10, MINUTE),
    ("POST", "/places/{place_id}/chat/join", 60, MINUTE),
    ("POST", "/places/{place_id}/chat/leave", 60, MINUTE),
    ("POST", "/places/{place_id}/chat/messages", 60, MINUTE),
    ("POST", "/places/{place_id}/chat/private-reply", 30, MINUTE),
    ("POST", "/places/{place_id}/reviews", 20, MINUTE),
    ("DELETE", "/places/{place_id}/reviews/me", 20, MINUTE),
    ("PUT", "/settings/notifications", 30, MINUTE),
    ("PUT", "/settings/privacy", 30, MINUTE),
    ("PUT", "/support/admin/tickets/{ticket_id}", 120, MINUTE),
    ("POST", "/support/tickets", 10, HOUR),
    ("PUT", "/users/me", 30, MINUTE),
    ("POST", "/users/me/avatar", 10, MINUTE),
    ("POST", "/users/me/interests", 30, MINUTE),
    ("DELETE", "/users/me/interests/{interest_id}", 60, MINUTE),
    ("POST", "/users/search", 60, MINUTE),
];

/// The most calls of one person in so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteLimit {
    pub calls: i32,
    pub seconds: i32,
}

/// The limits by method and path, whose parameters may have any name.
#[derive(Debug, Clone)]
pub struct RouteLimits(HashMap<String, RouteLimit>);

/// The path without the names of its parameters and without a slash at the end: how a route is looked up.
fn key(method: &str, path: &str) -> String {
    let mut key = format!("{method} ");
    let mut in_name = false;
    for c in path.trim_end_matches('/').chars() {
        match c {
            '{' => in_name = true,
            '}' => {
                in_name = false;
                key.push('*');
            }
            _ if in_name => {}
            _ => key.push(c),
        }
    }
    key
}

impl RouteLimits {
    /// The limit of a route by its template.
    #[must_use]
    pub fn get(&self, method: &str, path: &str) -> Option<RouteLimit> {
        self.0.get(&key(method, path)).copied()
    }
}

/// The table, with `APP_ROUTE_LIMITS` (`POST /support/tickets=5/3600, …`) in place of single lines, and all of it times
/// `APP_ROUTE_LIMIT_SCALE`.
pub(super) fn read(s: &mut Source) -> RouteLimits {
    let mut limits = HashMap::new();
    for (method, path, calls, seconds) in TABLE {
        limits.insert(key(method, path), RouteLimit { calls, seconds });
    }
    for line in s.list("ROUTE_LIMITS", "") {
        match parse(&line) {
            Some((route, limit)) if limits.contains_key(&route) => {
                limits.insert(route, limit);
            }
            Some(_) => s.problem("ROUTE_LIMITS", "names a route that has no limit"),
            None => s.problem(
                "ROUTE_LIMITS",
                "must be a list of METHOD /path=calls/seconds, with 1 to 3600 seconds and calls above 0",
            ),
        }
    }
    let scale: i32 = s.number("ROUTE_LIMIT_SCALE", 1);
    if scale < 1 {
        s.problem("ROUTE_LIMIT_SCALE", "must be 1 or more");
    }
    for limit in limits.values_mut() {
        limit.calls = limit.calls.saturating_mul(scale.max(1));
    }
    RouteLimits(limits)
}

fn parse(line: &str) -> Option<(String, RouteLimit)> {
    let (route, limit) = line.split_once('=')?;
    let (method, path) = route.trim().split_once(' ')?;
    let (calls, seconds) = limit.split_once('/')?;
    let limit = RouteLimit {
        calls: calls.trim().parse().ok()?,
        seconds: seconds.trim().parse().ok()?,
    };
    let sound = limit.calls > 0 && (1..=HOUR).contains(&limit.seconds);
    sound.then(|| (key(&method.to_uppercase(), path.trim()), limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_with(pairs: &[(&str, &str)]) -> Result<RouteLimits, String> {
        let pairs = pairs.iter();
        let found = pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut source = Source::new(found.collect());
        let limits = read(&mut source);
        source.finish(limits).map_err(|error| error.to_string())
    }

    #[test]
    fn a_route_is_found_whatever_its_parameters_are_called() {
        let limits = read_with(&[]).unwrap();
        let tickets = limits.get("POST", "/support/tickets").unwrap();
        assert_eq!((tickets.calls, tickets.seconds), (10, HOUR));
        assert!(limits.get("POST", "/collections").is_some());
        assert!(limits.get("POST", "/follow/{other}").is_some());
        assert_eq!(limits.get("GET", "/follow/{user_id}"), None);
    }

    #[test]
    fn a_line_can_be_replaced_and_the_whole_be_scaled() {
        let limits = read_with(&[
            ("APP_ROUTE_LIMITS", "POST /support/tickets=2/60"),
            ("APP_ROUTE_LIMIT_SCALE", "3"),
        ]);
        let limits = limits.unwrap();
        let tickets = limits.get("POST", "/support/tickets").unwrap();
        assert_eq!((tickets.calls, tickets.seconds), (6, 60));
        let block = limits.get("PUT", "/dms/threads/{user_id}/block").unwrap();
        assert_eq!(block.calls, 90);
    }

    #[test]
    fn a_wrong_line_keeps_the_service_from_starting() {
        for value in [
            "POST /nowhere=1/60",
            "POST /support/tickets=0/60",
            "POST /support/tickets=5/7200",
            "tickets",
        ] {
            let told = read_with(&[("APP_ROUTE_LIMITS", value)]).unwrap_err();
            assert!(told.contains("APP_ROUTE_LIMITS"), "{value}: {told}");
        }
        assert!(read_with(&[("APP_ROUTE_LIMIT_SCALE", "0")]).is_err());
    }
}
