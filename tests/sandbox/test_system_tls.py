"""HTTPS at the local proxy: a certificate that its authority vouches for, a redirect that leads there, WebSockets through it."""

import json
import socket
import ssl
import urllib.error
import urllib.request

import pytest
from conftest import PLAIN
from running_system import begun, service, until, world  # noqa: F401: fixtures

pytestmark = pytest.mark.skipif(PLAIN, reason="plain moto runs nothing")


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def secure(service):  # noqa: F811
    """A listener on 443, and the plain one leading there; where it really listens, and what trusts it."""
    aws = service.aws
    certificate = aws.acm.request_certificate(DomainName="example.com")["CertificateArn"]
    plain = aws.elbv2.describe_listeners(LoadBalancerArn=service.balancer)["Listeners"][0]
    aws.elbv2.create_listener(
        LoadBalancerArn=service.balancer, Protocol="HTTPS", Port=443, Certificates=[{"CertificateArn": certificate}],
        DefaultActions=plain["DefaultActions"])
    aws.elbv2.modify_listener(ListenerArn=plain["ListenerArn"], DefaultActions=[
        {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}}])
    opener = urllib.request.build_opener(_Stay)

    def location():
        try:
            opener.open(f"http://{service.address}/a?b=c", timeout=10)
        except urllib.error.HTTPError as answer:
            return answer.code == 301 and answer.headers["Location"]
        return None

    address = until(location)
    return address, ssl.create_default_context(cafile=service.system.folder / "tls/ca.pem")


def test_a_redirect_leads_to_a_listener_with_a_good_certificate(service):  # noqa: F811
    address, trust = secure(service)
    assert address.startswith("https://127.0.0.1:") and address.endswith("/a?b=c")
    with urllib.request.urlopen(address, timeout=10, context=trust) as answer:
        said = json.load(answer)
    headers = {name.lower(): value for name, value in said["headers"].items()}
    assert said["path"] == "/a?b=c" and headers["x-forwarded-proto"] == "https"
    with pytest.raises(urllib.error.URLError, match="certificate verify failed"):
        urllib.request.urlopen(address, timeout=10, context=ssl.create_default_context())
    # Somebody who speaks plainly to it is no harm to those who do not.
    host, port = address.split("/")[2].split(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200 OK" not in raw.recv(1000)
    with urllib.request.urlopen(address, timeout=10, context=trust) as answer:
        assert answer.status == 200


def test_an_upgraded_connection_passes_it(service):  # noqa: F811
    address, trust = secure(service)
    host, port = address.split("/")[2].split(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        with trust.wrap_socket(raw, server_hostname=host) as tls:
            tls.sendall(b"GET /upgrade HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
            answer = b""
            while not answer.endswith(b"\r\n\r\n"):
                answer += tls.recv(1000)
            assert answer.startswith(b"HTTP/1.1 101 ")
            tls.sendall(b"\x81\x05hello")
            assert tls.recv(7) == b"\x81\x05hello"
