"""Cheap wins: what moto works out anew on every request, or every reset, although it never changes."""

from __future__ import annotations

import copy
import functools


def install() -> None:
    """Remember method names, hosts and AWS's own policies, and find tags by their resource."""
    _requests()
    _tags()
    _resets()


def _requests() -> None:
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


def _tags() -> None:
    """The tags of one EC2 resource by its id, where moto looks through the tags of all."""
    from moto.ec2.models.core import TaggedEC2Resource
    from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE, get_prefix

    def get_tags(self):
        tags = self.ec2_backend.tags.get(self.id) if self.id else None
        if not tags:
            return []
        kind = EC2_PREFIX_TO_RESOURCE.get(get_prefix(self.id), "")
        return [{"resource_id": self.id, "key": key, "value": value, "resource_type": kind}
                for key, value in tags.items()]

    TaggedEC2Resource.get_tags = get_tags


def _resets() -> None:
    """moto fills a backend anew and then throws it away; and it reads AWS's 1500 policies each time."""
    from moto.ec2.models import EC2Backend
    from moto.iam.models import IAMBackend

    EC2Backend.reset = IAMBackend.reset = lambda self: None
    read = IAMBackend._init_aws_policies
    known: dict = {}

    def _init_aws_policies(self):
        if self.partition not in known:
            known[self.partition] = read(self)
        # A copy each: attachments are counted on them.
        return [copy.copy(policy) for policy in known[self.partition]]

    IAMBackend._init_aws_policies = _init_aws_policies
