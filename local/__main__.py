"""`python -m local`; run.py has the story."""

import sys

from local.run import main

sys.exit(main(sys.argv[1:]))
