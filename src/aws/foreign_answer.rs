//! Error answers in another protocol's shape: gateways, proxies and emulators answer in one shape for every service (a throttle above
//! all), and the SDK reads each service's own alone.

/// The error code that a body names, wherever it stands: `<Code>…</Code>` as the query protocols have it, `"__type"` or `"code"` as
/// the JSON ones do (AWS's protocol specifications; a namespace before `#` and a URL after `:` are left off).
pub fn code(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let code = match serde_json::from_str::<serde_json::Value>(text) {
        Ok(json) => ["__type", "code", "Code"]
            .iter()
            .find_map(|key| json.get(key)?.as_str().map(str::to_owned))?,
        Err(_) => text
            .split_once("<Code>")?
            .1
            .split_once("</Code>")?
            .0
            .to_owned(),
    };
    let code = code.rsplit('#').next().unwrap_or_default();
    let code = code.split(':').next().unwrap_or_default().trim();
    let named = (1..=100).contains(&code.len())
        && code
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '_');
    named.then(|| code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_in_any_shape() {
        for (body, found) in [
            (
                "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>",
                Some("Throttling"),
            ),
            (
                "<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>x</Message></Error></Errors></Response>",
                Some("RequestLimitExceeded"),
            ),
            (
                "{\"__type\":\"com.amazonaws.ecs#ThrottlingException\",\"message\":\"x\"}",
                Some("ThrottlingException"),
            ),
            (
                "{\"code\":\"SlowDown:http://internal.amazon.com/\"}",
                Some("SlowDown"),
            ),
            ("{\"message\":\"x\"}", None),
            ("<html>Bad Gateway</html>", None),
            ("<Code>\u{1b}[31m not a code</Code>", None),
            ("<Code></Code>", None),
            ("", None),
        ] {
            assert_eq!(code(body.as_bytes()).as_deref(), found, "{body}");
        }
        assert_eq!(code(&[0xff, 0xfe]), None);
    }
}
