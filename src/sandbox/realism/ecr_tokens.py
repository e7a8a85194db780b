"""Tokens for the registry: what GetAuthorizationToken hands out, for how long, and for which region."""

from __future__ import annotations

import base64
import binascii
import secrets
import threading
import time

# ECR user guide, "Private registry authentication": a token is valid for 12 hours. Of the wall clock: its end is told as a time.
LIFETIME = 12 * 3600.0


class Denied(PermissionError):
    """A token that does not, or no longer, open the registry."""


class Tokens:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, tuple[str, float]] = {}
        # How many requests a token opens the registry for; None: any number.
        self._uses: int | None = None
        self._left: dict[str, int] = {}

    def issue(self, region: str) -> tuple[str, float]:
        """The `authorizationToken` of an answer, and when it expires (seconds since 1970)."""
        password, end = secrets.token_hex(24), time.time() + LIFETIME
        with self._lock:
            self._known[password] = (region, end)
            if self._uses is not None:
                self._left[password] = self._uses
        return base64.b64encode(f"AWS:{password}".encode()).decode(), end

    def region(self, authorization: str) -> str:
        """Whom a request's Authorization header speaks for. Raises Denied with ECR's words."""
        scheme, _, said = authorization.partition(" ")
        try:
            user, _, password = base64.b64decode(said.strip(), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            user, password = "", ""
        with self._lock:
            region, end = self._known.get(password, ("", 0.0))
            if password in self._left:
                self._left[password] -= 1
                end = end if self._left[password] >= 0 else 0.0
        if scheme.lower() != "basic" or user != "AWS" or not region:
            raise Denied("Not Authorized")
        if end < time.time():
            raise Denied("Your authorization token has expired. Reauthenticate and try again.")
        return region

    def expire(self) -> int:
        """Let every token that is out expire now; how many."""
        with self._lock:
            self._known = {password: (region, 0.0) for password, (region, _) in self._known.items()}
            return len(self._known)

    def limit(self, uses: int | None) -> None:
        """Let each token that is issued from now on end after so many requests; None: after 12 hours only."""
        with self._lock:
            self._uses = uses

    def clear(self) -> None:
        with self._lock:
            self._known.clear()
            self._left.clear()
            self._uses = None


TOKENS = Tokens()
