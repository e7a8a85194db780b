"""Putting the layer over moto, in one place and once."""

from __future__ import annotations

import importlib

PARTS = ["speed", "identity", "ec2_order", "ec2_nat", "ec2_calls",
         "elb_balancer", "elb_targets", "elb_listeners",
         "rds_instance", "rds_groups",
         "ecs_service", "ecs_cluster", "ecr_images",
         "ec2_rules", "s3_buckets", "s3_answers", "secrets_stages", "secrets_window",
         "small_rules", "service_roles"]


def install() -> None:
    """Patch moto. To be called before the first request; the account is set by importing this package."""
    import moto.core
    import moto.core.models

    from . import ACCOUNT

    moto.core.models.DEFAULT_ACCOUNT_ID = ACCOUNT
    moto.core.DEFAULT_ACCOUNT_ID = ACCOUNT
    for part in PARTS:
        importlib.import_module(f"{__package__}.{part}").install()
