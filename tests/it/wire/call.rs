//! Which AWS call a request is, and whether it changes anything: by what was signed and sent, never by asking the server.

use std::fmt;

use hyper::HeaderMap;
use hyper::Method;

/// What begins the names of calls that change nothing.
const READING: [&str; 5] = ["Describe", "Get", "List", "Head", "BatchGet"];

/// How a service writes its answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Query,
    Ec2,
    Json,
    S3,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The access key it was signed with.
    pub key: String,
    /// The signing name: `ec2`, `elasticloadbalancing`.
    pub service: String,
    /// The API's name of it; for S3 method and subresource, `PUT ?versioning`.
    pub action: String,
    pub protocol: Protocol,
    pub mutating: bool,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.service, self.action)
    }
}

impl Call {
    pub fn of(method: &Method, path_and_query: &str, headers: &HeaderMap, body: &[u8]) -> Self {
        let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
        let (key, service) = header("authorization")
            .and_then(signed_for)
            .unwrap_or_default();
        if service == "s3" {
            return storage(key, method, path_and_query);
        }
        let (action, protocol) = match header("x-amz-target") {
            Some(target) => (target.rsplit('.').next(), Protocol::Json),
            None => match operation(path_and_query) {
                Some(action) => (Some(action), Protocol::Json),
                None => (form_action(body), query_protocol(service)),
            },
        };
        let action = action.unwrap_or_else(|| panic!("{method} {path_and_query}: which call?"));
        Self {
            key: key.to_owned(),
            service: service.to_owned(),
            action: action.to_owned(),
            protocol,
            mutating: !READING.iter().any(|verb| action.starts_with(verb)),
        }
    }
}

fn query_protocol(service: &str) -> Protocol {
    if service == "ec2" {
        Protocol::Ec2
    } else {
        Protocol::Query
    }
}

/// Key and service of `…Credential=KEY/20260101/us-east-1/ec2/aws4_request, …`.
fn signed_for(authorization: &str) -> Option<(&str, &str)> {
    let scope = authorization.split("Credential=").nth(1)?;
    let mut parts = scope.split(',').next()?.split('/');
    Some((parts.next()?, parts.nth(2)?))
}

/// `/service/GraniteServiceVersion20100801/operation/PutMetricAlarm`.
fn operation(path: &str) -> Option<&str> {
    path.strip_prefix("/service/")?
        .split_once("/operation/")
        .map(|(_, action)| action)
}

/// `Action=CreateVpc&…`.
fn form_action(body: &[u8]) -> Option<&str> {
    std::str::from_utf8(body)
        .ok()?
        .split('&')
        .find_map(|pair| pair.strip_prefix("Action="))
}

fn storage(key: &str, method: &Method, path_and_query: &str) -> Call {
    let query = path_and_query
        .split_once('?')
        .map_or("", |(_, query)| query);
    let what = query
        .split('&')
        .map(|pair| pair.split('=').next().unwrap_or_default())
        .find(|key| !key.is_empty() && *key != "x-id");
    Call {
        key: key.to_owned(),
        service: "s3".into(),
        action: what.map_or_else(|| method.to_string(), |what| format!("{method} ?{what}")),
        protocol: Protocol::S3,
        mutating: !matches!(*method, Method::GET | Method::HEAD),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(method: Method, path: &str, headers: &[(&'static str, &str)], body: &str) -> Call {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().expect("a header value"));
        }
        Call::of(&method, path, &map, body.as_bytes())
    }

    fn signed(service: &str) -> String {
        format!(
            "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host"
        )
    }

    #[test]
    fn every_protocol_is_read() {
        let ec2 = signed("ec2");
        let form = [("authorization", ec2.as_str())];
        let made = call(
            Method::POST,
            "/",
            &form,
            "Action=CreateVpc&Version=2016-11-15",
        );
        assert_eq!((made.action.as_str(), made.mutating), ("CreateVpc", true));
        assert_eq!((made.key.as_str(), made.service.as_str()), ("test", "ec2"));
        assert_eq!(made.protocol, Protocol::Ec2);
        let read = call(Method::POST, "/", &form, "Version=1&Action=DescribeVpcs");
        assert!(!read.mutating);
        let ecs = signed("ecs");
        let target = "AmazonEC2ContainerServiceV20141113.CreateService";
        let json = [("authorization", ecs.as_str()), ("x-amz-target", target)];
        let made = call(Method::POST, "/", &json, "{}");
        assert_eq!(
            (made.service.as_str(), made.action.as_str()),
            ("ecs", "CreateService")
        );
        assert_eq!((made.protocol, made.mutating), (Protocol::Json, true));
    }

    #[test]
    fn storage_is_told_by_method_and_subresource() {
        let s3 = signed("s3");
        let headers = [("authorization", s3.as_str())];
        for (method, path, action, mutating) in [
            (Method::PUT, "/bucket", "PUT", true),
            (Method::PUT, "/bucket?versioning", "PUT ?versioning", true),
            (Method::GET, "/bucket?versioning", "GET ?versioning", false),
            (Method::HEAD, "/bucket", "HEAD", false),
            (Method::POST, "/bucket?delete", "POST ?delete", true),
            (Method::DELETE, "/bucket/?x-id=DeleteBucket", "DELETE", true),
            (Method::GET, "/?x-id=ListBuckets", "GET", false),
        ] {
            let made = call(method, path, &headers, "");
            assert_eq!((made.action.as_str(), made.mutating), (action, mutating));
        }
    }
}
