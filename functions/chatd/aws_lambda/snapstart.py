"""Prepare a function before a SnapStart snapshot or a fork, and renew its state afterwards.

One snapshot becomes many environments, at any later time and on any machine; on Managed Instances
one process becomes many.

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
    """Register hooks with the runtime where copies are made; elsewhere do not import the package.

    A handler module calls this while it is imported: the copies are made right after.

    Args:
        environ: The environment.
        prepare: Called before the copy; every copy has the modules it loads. It must neither open a
            connection nor read a secret. If it raises, SnapStart publishes no version.
        forget: Called after a restore, before the first event. The restore may take 10 s.

    """
    is_restored = environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start"
    if not is_restored and "AWS_LAMBDA_MAX_CONCURRENCY" not in environ:
        return
    # The package comes with awslambdaric, which runs on Linux only.
    from snapshot_restore_py import (  # noqa: PLC0415  # see above
        register_after_restore,
        register_before_snapshot,
    )

    register_before_snapshot(prepare)
    register_after_restore(reseed)
    register_after_restore(forget)


def reseed() -> None:
    """Reseed the random generators of this process: all restored processes share their state.

    A fork does not need this: Python and OpenSSL reseed by themselves.

    https://docs.aws.amazon.com/lambda/latest/dg/snapstart-uniqueness.html
    """
    random.seed()
    # OpenSSL's generator is in the process too. The added bytes are mixed into its state.
    ssl.RAND_add(os.urandom(_SEED_BYTES), _SEED_BYTES)
