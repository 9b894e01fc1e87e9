"""Start `make aws-local`: `python -m local.aws`."""

import sys

from local.aws.secrets_manager import main

sys.exit(main(sys.argv[1:]))
