"""What a function does before it is copied, and after: by SnapStart, or by a fork.

One snapshot becomes many environments, at any later time and on any machine; on Managed Instances
one process becomes many. This file knows the moments, and what every copy must renew; what a
function prepares and forgets is its own.

https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-python.html
"""

from __future__ import annotations

import os
import random
import ssl
from collections.abc import Callable, Mapping

_SEED_BYTES = 32


def hooks(
    environ: Mapping[str, str], prepare: Callable[[], None], forget: Callable[[], None]
) -> None:
    """Have the runtime call these, where copies are made; elsewhere nothing is imported.

    A door calls this while it is imported: the copies are made right after.

    Args:
        environ: The environment.
        prepare: Called before; every copy has all that it loads and makes. It must not connect to
            anything nor read a secret. If it raises, SnapStart publishes no version.
        forget: Called after a restore from a snapshot, before the first event. It and the runtime
            have 10 s.

    """
    is_restored = environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start"
    if not is_restored and "AWS_LAMBDA_MAX_CONCURRENCY" not in environ:
        return
    # It comes with awslambdaric, which is for Linux only.
    from snapshot_restore_py import (  # noqa: PLC0415  # see above
        register_after_restore,
        register_before_snapshot,
    )

    register_before_snapshot(prepare)
    register_after_restore(reseed)
    register_after_restore(forget)


def reseed() -> None:
    """Give this process chances of its own: every restored one has the snapshot's generators.

    A fork needs none of it: Python and OpenSSL see to that.

    https://docs.aws.amazon.com/lambda/latest/dg/snapstart-uniqueness.html
    """
    random.seed()
    # OpenSSL's generator lives in the process too. What is added is mixed in and replaces nothing.
    ssl.RAND_add(os.urandom(_SEED_BYTES), _SEED_BYTES)
