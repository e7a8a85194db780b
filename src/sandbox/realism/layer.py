"""Putting the layer over moto, in one place and once."""

from __future__ import annotations


def install() -> None:
    """Patch moto. To be called before the first request; the account is set by importing this package."""
    import moto.core.models as core_models
    import moto.core as core

    from . import ACCOUNT

    core_models.DEFAULT_ACCOUNT_ID = ACCOUNT
    core.DEFAULT_ACCOUNT_ID = ACCOUNT
    from . import identity, speed

    speed.install()
    identity.install()
