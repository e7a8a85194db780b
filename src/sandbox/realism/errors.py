"""Errors as each service's protocol writes them."""

from __future__ import annotations

import json
import uuid
from xml.sax.saxutils import escape

from .request import Call

Answer = tuple[int, list[tuple[str, str]], bytes]


class Refusal(Exception):
    """An AWS error raised inside a patched moto method; it passes through moto and is answered in front of it."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status = code, message, status


def refuse(code: str, message: str, status: int = 400) -> Refusal:
    """The error to raise for a call that AWS would not carry out."""
    return Refusal(code, message, status)


def error_answer(call: Call, status: int, code: str, message: str) -> Answer:
    """A complete error response in the protocol of `call`."""
    request_id = str(uuid.uuid4())
    if call.protocol == "json":
        body = json.dumps({"__type": code, "message": message})
        kind = "application/x-amz-json-1.1"
    elif call.protocol == "ec2":
        body = (f'<?xml version="1.0" encoding="UTF-8"?><Response><Errors><Error><Code>{escape(code)}</Code>'
                f"<Message>{escape(message)}</Message></Error></Errors><RequestID>{request_id}</RequestID></Response>")
        kind = "text/xml"
    elif call.protocol == "registry":
        # The distribution specification's form; a throttled or refused request is told by the status alone.
        body = json.dumps({"errors": [{"code": {403: "DENIED", 429: "TOOMANYREQUESTS"}.get(status, code),
                                       "message": message}]})
        return status, [("Content-Type", "application/json; charset=utf-8")], body.encode()
    elif call.protocol == "s3":
        body = (f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{escape(code)}</Code>'
                f"<Message>{escape(message)}</Message><RequestId>{request_id}</RequestId></Error>")
        kind = "application/xml"
    else:
        fault = "Receiver" if status >= 500 else "Sender"
        body = (f"<ErrorResponse><Error><Type>{fault}</Type><Code>{escape(code)}</Code>"
                f"<Message>{escape(message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>")
        kind = "text/xml"
    headers = [("Content-Type", kind), ("x-amzn-RequestId", request_id), ("x-amzn-ErrorType", code)]
    return status, headers, body.encode()


def throttled(call: Call) -> Answer:
    """The throttling error of that service, with its own code and status."""
    if call.service == "ec2":
        return error_answer(call, 503, "RequestLimitExceeded", "Request limit exceeded.")
    if call.service == "s3":
        return error_answer(call, 503, "SlowDown", "Please reduce your request rate.")
    if call.protocol == "query":
        return error_answer(call, 400, "Throttling", "Rate exceeded")
    if call.protocol == "registry":
        return error_answer(call, 429, "TOOMANYREQUESTS", "Rate exceeded")
    code = "ThrottledException" if call.service == "tagging" else "ThrottlingException"
    return error_answer(call, 400, code, "Rate exceeded")


# Why a call is denied, in AWS's words.
WHY = {
    "explicit deny": "with an explicit deny in an identity-based policy",
    "permissions boundary": "because no permissions boundary allows the {action} action",
    "session policy": "because no session policy allows the {action} action",
}


def denied(call: Call, arn: str, action: str, resource: str = "*", reason: str = "") -> Answer:
    """What AWS says when policies do not allow `action`, which `call` needs. IAM user guide, "Access denied messages"."""
    why = WHY.get(reason, "because no identity-based policy allows the action").format(action=action)
    message = f"User: {arn} is not authorized to perform: {action} on resource: {resource} {why}"
    if call.service == "ec2":
        return error_answer(call, 403, "UnauthorizedOperation",
                            f"You are not authorized to perform this operation. {message}")
    if call.protocol in ("query", "s3", "registry"):
        return error_answer(call, 403, "AccessDenied", message)
    return error_answer(call, 400, "AccessDeniedException", message)
