"""List the secrets retained when `make delete` removes a stack."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from deploy import configuration
from deploy.aws_account import Account
from deploy.errors import CommandError


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a delete command for each of the stack's secrets; return 1 if the stack is missing."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    configuration.add_choice_options(parser)
    try:
        deployment = configuration.load(configuration.choices_from(parser.parse_args(arguments)))
        account = Account.of(deployment)
        outputs = ("ProviderSecretArn", "CallersSecretArn")
        arns = [account.stack_output(deployment.stack, output) for output in outputs]
    except CommandError as error:
        sys.stderr.write(f"make delete: {error}\n")
        return 1
    print(f"make delete keeps the secrets of the stack {deployment.stack!r}. To delete them:")
    for arn in arns:
        print(f"  aws secretsmanager delete-secret --secret-id {arn}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
