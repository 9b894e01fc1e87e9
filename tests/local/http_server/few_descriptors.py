"""Run `python -m local` with a hard limit of DESCRIPTORS file descriptors."""

from __future__ import annotations

import os
import resource
import sys

from local.run import main

number = int(os.environ["DESCRIPTORS"])
resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))
sys.exit(main(sys.argv[1:]))
