"""Calls to AWS with the standard library alone: signature version 4, the query protocol, and JSON for the tagging API."""

import datetime
import hashlib
import hmac
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ElementTree


class AwsError(Exception):
    def __init__(self, action, code, message):
        super().__init__(f"{action}: {code}: {message}")
        self.code = code


class Keys:
    """Access keys. Never printed, never written down."""

    def __init__(self, access, secret, token=None):
        self.access, self.secret, self.token = access, secret, token

    @classmethod
    def of_environment(cls):
        access, secret = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")
        if not access or not secret:
            raise SystemExit("no keys in the environment: eval \"$(aws configure export-credentials --format env)\" puts those of "
                             "your login there")
        return cls(access, secret, os.environ.get("AWS_SESSION_TOKEN") or None)

    def environment(self):
        variables = {"AWS_ACCESS_KEY_ID": self.access, "AWS_SECRET_ACCESS_KEY": self.secret}
        return {**variables, "AWS_SESSION_TOKEN": self.token} if self.token else variables

    def __repr__(self):
        return f"Keys({self.access})"


class Aws:
    """One account and region. `endpoint`: a local AWS in place of the real one."""

    def __init__(self, keys, region, endpoint=None):
        self.keys, self.region, self.endpoint = keys, region, endpoint

    def query(self, service, action, version, **parameters):
        form = urllib.parse.urlencode({"Action": action, "Version": version, **parameters}).encode()
        text = self._send(service, action, form, {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"})
        root = ElementTree.fromstring(text)
        for element in root.iter():
            element.tag = element.tag.rpartition("}")[2]
        return root

    def json(self, service, target, body):
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target}
        return json.loads(self._send(service, target, json.dumps(body).encode(), headers) or b"{}")

    def iam(self, action, **parameters):
        return self.query("iam", action, "2010-05-08", **parameters)

    def sts(self, action, **parameters):
        return self.query("sts", action, "2011-06-15", **parameters)

    def _send(self, service, action, body, headers):
        for attempt in range(6):
            try:
                with urllib.request.urlopen(self._request(service, body, headers), timeout=60) as answer:
                    return answer.read()
            except urllib.error.HTTPError as error:
                code, message = _error(error.read())
                if (error.code < 500 and "Throttl" not in code) or attempt == 5:
                    raise AwsError(action, code, message) from None
            except (urllib.error.URLError, OSError) as error:
                if attempt == 5:
                    raise AwsError(action, "NoAnswer", str(error)) from None
            time.sleep(min(2 ** attempt, 15))
        raise AssertionError("unreachable")

    def _host(self, service):
        if service == "iam":
            return "iam.amazonaws.com", "us-east-1"
        return f"{service}.{self.region}.amazonaws.com", self.region

    def _request(self, service, body, headers):
        host, region = self._host(service)
        url = f"https://{host}/"
        if self.endpoint:
            url, host = self.endpoint.rstrip("/") + "/", urllib.parse.urlsplit(self.endpoint).netloc
        now = datetime.datetime.now(datetime.timezone.utc)
        stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
        signed = {**{name.lower(): value for name, value in headers.items()}, "host": host, "x-amz-date": stamp}
        if self.keys.token:
            signed["x-amz-security-token"] = self.keys.token
        names = ";".join(sorted(signed))
        canonical = "\n".join(["POST", "/", "", *(f"{name}:{signed[name]}" for name in sorted(signed)), "", names,
                               hashlib.sha256(body).hexdigest()])
        scope = f"{day}/{region}/{service}/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key = f"AWS4{self.keys.secret}".encode()
        for part in scope.split("/"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        signed["authorization"] = (f"AWS4-HMAC-SHA256 Credential={self.keys.access}/{scope}, SignedHeaders={names}, "
                                   f"Signature={signature}")
        return urllib.request.Request(url, data=body, headers=signed, method="POST")


def _error(body):
    text = body.decode("utf-8", "replace")
    try:
        document = json.loads(text)
        return document.get("__type", "Unknown").rpartition("#")[2], document.get("message") or document.get("Message") or ""
    except ValueError:
        pass
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return "Unknown", text[:200]
    found = {element.tag.rpartition("}")[2]: element.text or "" for element in root.iter()}
    return found.get("Code", "Unknown"), found.get("Message", "")
