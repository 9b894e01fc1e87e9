"""List the secrets that outlive a stack, before `make delete` removes the stack."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from deploy import configuration
from deploy.aws_account import Account
from deploy.errors import CommandError


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the ARNs of the stack's secrets, and how to delete them; 1 if there is no stack."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    configuration.add_choices(parser)
    try:
        deployment = configuration.load(configuration.chosen(parser.parse_args(arguments)))
        account = Account.of(deployment)
        outputs = ("ProviderSecretArn", "CallersSecretArn")
        arns = [account.output(deployment.stack, output) for output in outputs]
    except CommandError as error:
        sys.stderr.write(f"make delete: {error}\n")
        return 1
    print(f"The stack {deployment.stack!r} goes; its secrets stay, until you delete them:")
    for arn in arns:
        print(f"  aws secretsmanager delete-secret --secret-id {arn}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
