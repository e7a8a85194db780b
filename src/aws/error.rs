//! What AWS said, classified once. Codes are the wire codes of the services' API references (A10 in the notes of `docs/`).

use aws_smithy_runtime_api::client::result::{SdkError, ServiceError};
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::credentials::{self, chain};
use super::foreign_answer;
use crate::kind::{Class, CloudError};

/// The code of an answer that says all is well in a form that the SDK does not understand.
const UNREADABLE: &str = "UnreadableAnswer";
/// The code of an error answer that has none.
const NAMELESS: &str = "Unknown";

/// Turns an SDK error into ours. `action` is the IAM action that was called.
pub fn aws_error<E>(action: &str, error: SdkError<E, Response>) -> CloudError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match &error {
        SdkError::ServiceError(service) => refusal(action, &error, service),
        SdkError::ConstructionFailure(_) => not_sent(action, &error, "NotSent", true),
        SdkError::DispatchFailure(failure) => {
            not_sent(action, &error, "NoAnswer", failure.is_user())
        }
        SdkError::TimeoutError(_) => {
            CloudError::new(action, Class::Unknown, "Timeout", chain(&error))
        }
        SdkError::ResponseError(response) => {
            let status = response.raw().status().as_u16();
            CloudError::new(
                action,
                Class::Unknown,
                UNREADABLE,
                format!("HTTP {status}: {}", chain(&error)),
            )
        }
        _ => CloudError::new(action, Class::Unknown, "NoAnswer", chain(&error)),
    }
}

/// A call that did not get out, or whose answer did not come. The kinds of the SDK's errors come
/// before their texts, and an endpoint that is away before a login that is missing: a lost packet
/// while credentials are renewed must not end a run. `wrong`: the request itself is, where nothing
/// else is known.
fn not_sent(
    action: &str,
    error: &(dyn std::error::Error + 'static),
    code: &str,
    wrong: bool,
) -> CloudError {
    if let Some(outage) = credentials::find_outage(error) {
        let (class, code) = (Class::Unreachable, credentials::OUTAGE);
        return CloudError::new(action, class, code, outage.to_string());
    }
    let text = chain(error);
    let class = if credentials::is_credentials_error(error) {
        Class::Credentials
    } else if refused_before_sending(&text) {
        Class::Unreachable
    } else if is_credentials(&text) {
        Class::Credentials
    } else if wrong {
        Class::Invalid
    } else {
        Class::Unknown
    };
    CloudError::new(action, class, code, text)
}

/// What an error answer says.
fn refusal<E>(
    action: &str,
    error: &SdkError<E, Response>,
    service: &ServiceError<E, Response>,
) -> CloudError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let meta = service.err().meta();
    let status = service.raw().status().as_u16();
    let foreign = match meta.code() {
        None if !(200..300).contains(&status) => {
            foreign_answer::code(service.raw().body().bytes().unwrap_or_default())
        }
        _ => None,
    };
    let code = meta.code().or(foreign.as_deref()).unwrap_or(match status {
        404 => "NotFound",
        403 => "AccessDenied",
        200..=299 => UNREADABLE,
        _ => NAMELESS,
    });
    let message = match meta.message() {
        None if code == UNREADABLE => format!("HTTP {status}: {}", chain(error)),
        None if code == NAMELESS => format!("HTTP {status}, and the answer names no error"),
        message => message.unwrap_or_default().to_owned(),
    };
    let class = match code {
        UNREADABLE => Class::Unknown,
        _ => classify(action, code, &message, status),
    };
    let mut ours = CloudError::new(action, class, code, message);
    ours.request_id = meta
        .extra("aws_request_id")
        .map(str::to_owned)
        .or_else(|| header(service.raw(), "x-amzn-requestid"))
        .or_else(|| header(service.raw(), "x-amz-request-id"));
    ours
}

fn header(response: &Response, name: &str) -> Option<String> {
    response.headers().get(name).map(str::to_owned)
}

/// How the SDK says that a client has no provider at all.
fn is_credentials(text: &str) -> bool {
    text.contains("no credentials") || text.contains("CredentialsNotLoaded")
}

/// A connector error before any byte was sent: nothing can have been carried out.
fn refused_before_sending(text: &str) -> bool {
    [
        "Connection refused",
        "ConnectError",
        "tcp connect",
        "dns error",
        "HTTP connect timeout",
    ]
    .iter()
    .any(|sign| text.contains(sign))
}

/// The class of a service error. `LimitExceeded*` is a quota everywhere here (the SDK takes it for throttling); 5xx that are not
/// throttles leave the outcome unknown.
fn classify(action: &str, code: &str, message: &str, status: u16) -> Class {
    let service = action.split(':').next().unwrap_or_default();
    match code {
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottledException"
        | "RequestThrottled"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "EC2ThrottledException"
        | "SlowDown"
        | "PriorRequestNotComplete"
        | "ProvisionedThroughputExceededException"
        | "BandwidthLimitExceeded" => Class::Throttled,
        "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired"
        | "RequestTimeTooSkewed"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "InvalidToken" => Class::Credentials,
        // EC2's AuthFailure also means "that is not yours" (an address in use, an image, a VPC of another account).
        "AuthFailure" if is_bad_key(message) => Class::Credentials,
        "AccessDenied"
        | "AccessDeniedException"
        | "UnauthorizedOperation"
        | "AuthorizationError"
        | "AuthFailure"
        | "Forbidden" => Class::Denied,
        "DependencyViolation"
        | "ResourceInUse"
        | "ResourceInUseException"
        | "DeleteConflict"
        | "ClusterContainsServicesException"
        | "ClusterContainsTasksException"
        | "ClusterContainsContainerInstancesException"
        | "BucketNotEmpty"
        | "InvalidDBSubnetGroupStateFault"
        | "InvalidDBParameterGroupState"
        | "RepositoryNotEmptyException" => Class::InUse,
        "OperationAborted"
        | "OperationAbortedException"
        | "ConcurrentModification"
        | "ConcurrentUpdateException"
        | "UpdateInProgressException"
        | "InvalidDBInstanceState"
        | "IncorrectState"
        | "InvalidState"
        | "Gateway.NotAttached" => Class::NotYet,
        _ if is_unsupported(code) => Class::Unsupported,
        _ if is_quota(code) => Class::Quota,
        _ if code.ends_with(".InUse") => Class::InUse,
        _ if is_not_found(code) => Class::NotFound,
        _ if is_taken(code) => Class::Exists,
        "RequestTimeout" | "RequestTimeoutException" => Class::Unknown,
        "InvalidParameterException" if service == "ecs" && ecs_catches_up(message) => Class::NotYet,
        _ if status == 501 => Class::Unsupported,
        _ if status >= 500 => Class::Unknown,
        _ if status == 429 => Class::Throttled,
        _ if status == 400 => Class::Invalid,
        _ => Class::Other,
    }
}

/// EC2's text for keys that it does not know: "AWS was not able to validate the provided access credentials".
fn is_bad_key(message: &str) -> bool {
    [
        "validate the provided access credentials",
        "not able to validate",
    ]
    .iter()
    .any(|text| message.contains(text))
}

/// What the server does not have it will not have at the next attempt either.
fn is_unsupported(code: &str) -> bool {
    let plain = ["Exception", "Error"]
        .iter()
        .find_map(|end| code.strip_suffix(end));
    matches!(
        plain.unwrap_or(code),
        "NotImplemented"
            | "UnsupportedOperation"
            | "UnknownOperation"
            | "UnknownAction"
            | "InvalidAction"
    )
}

fn is_quota(code: &str) -> bool {
    // `TooManyUniqueTargetGroupsPerLoadBalancer` and its like; `TooManyRequestsException`, a throttle, is judged before.
    code.starts_with("TooMany")
        || code.contains("QuotaExceeded")
        || code.ends_with("LimitExceeded")
        || code.ends_with("LimitExceededException")
        || code.ends_with("LimitExceededFault")
        || code == "TargetGroupAssociationLimit"
}

fn is_not_found(code: &str) -> bool {
    matches!(
        code,
        "NatGatewayNotFound"
            | "NoSuchEntity"
            | "NoSuchBucket"
            | "NotFound"
            | "ResourceNotFoundException"
            | "ClusterNotFoundException"
            | "ServiceNotFoundException"
            | "ServiceNotActiveException"
            | "RepositoryNotFoundException"
    ) || code.ends_with(".NotFound")
        || code.ends_with("NotFound")
        || code.ends_with("NotFoundFault")
        || code.ends_with("NotFoundException")
}

fn is_taken(code: &str) -> bool {
    matches!(
        code,
        "EntityAlreadyExists"
            | "BucketAlreadyExists"
            | "BucketAlreadyOwnedByYou"
            | "ResourceExistsException"
            | "ResourceAlreadyExistsException"
            | "RepositoryAlreadyExistsException"
            | "InvalidSubnet.Conflict"
            | "PriorityInUse"
    ) || code.ends_with(".Duplicate")
        || code.ends_with("AlreadyExists")
        || code.ends_with("AlreadyExistsFault")
        || code.starts_with("Duplicate")
}

/// ECS has one code for everything; these texts pass by themselves.
fn ecs_catches_up(message: &str) -> bool {
    [
        "does not have an associated load balancer",
        "verify that the ECS service role being passed has the proper permissions",
        "Unable to assume the service linked role",
        "still Draining",
        "deployments are active",
    ]
    .iter()
    .any(|text| message.contains(text))
}

/// Lets a kind say that, of this call, an error means something else (`InvalidParameterCombination` "No modifications …").
pub fn refine(mut error: CloudError, code: &str, text: &str, class: Class) -> CloudError {
    if error.code == code && error.message.contains(text) {
        error.class = class;
    }
    error
}

#[cfg(test)]
mod tests;
