"""Cheap wins: what moto works out anew on every request although it never changes."""

from __future__ import annotations

import functools


def install() -> None:
    """Remember the method names of a response class and the service behind a host name."""
    import moto.core.responses as responses
    import moto.core.utils as utils
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication

    names = functools.lru_cache(maxsize=None)(utils.method_names_from_class)
    responses.method_names_from_class = lambda clazz: names(clazz)
    responses.camelcase_to_underscores = functools.lru_cache(maxsize=4096)(utils.camelcase_to_underscores)

    find = DomainDispatcherApplication.get_backend_for_host
    found: dict = {}

    def get_backend_for_host(self, host):
        if host not in found:
            found[host] = find(self, host)
        return found[host]

    DomainDispatcherApplication.get_backend_for_host = get_backend_for_host
