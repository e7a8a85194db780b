"""A local AWS that behaves: a layer over moto for everything that takes time, has an order, or goes wrong.

moto answers calls; this package adds what a reconciler has to survive: resources that become ready and go away
slowly, deletes refused in the wrong order, repeated creates, rolling deployments, missing images, denied,
throttled, delayed and lost calls. `python -m realism --help` starts it.
"""

import os

# Not a possible account of anybody: whatever carries it comes from the sandbox.
ACCOUNT = "000000000000"
USER_ARN = f"arn:aws:iam::{ACCOUNT}:user/sandbox"
LAYER_VERSION = 1

# moto reads these when it is imported, so they are set before anything else of this package is.
os.environ["MOTO_ACCOUNT_ID"] = ACCOUNT
os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
os.environ["MOTO_ACM_VALIDATION_WAIT"] = os.environ.get("MOTO_ACM_VALIDATION_WAIT", "1")
os.environ["MOTO_DISABLE_GLOBAL_CORS"] = "1"
# Machine images are of no use here, and take half a second to make.
os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
# No credentials of the user may be looked for by the SDK inside moto.
for _name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
    os.environ.pop(_name, None)
os.environ["AWS_ACCESS_KEY_ID"] = os.environ["AWS_SECRET_ACCESS_KEY"] = "sandbox"
os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
