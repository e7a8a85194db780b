"""Replacing methods of moto's classes while keeping the originals at hand."""

from __future__ import annotations

import functools
from typing import Any, Callable


def replaces(owner: type, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Put the decorated function in place of `owner.name`; it gets the original as its first argument.

    Raises AttributeError at start-up when moto no longer has such a method, so a moved pin cannot go unnoticed.
    """
    original = getattr(owner, name)

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            return function(original, self, *args, **kwargs)

        setattr(owner, name, method)
        return function

    return decorate
