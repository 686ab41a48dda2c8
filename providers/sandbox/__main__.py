"""`python -m providers.sandbox`: the simulated providers, without Django."""

import os
import sys

from providers.sandbox.cli import main

os.umask(0o077)  # ledgers hold codes, if only simulated ones
sys.exit(main())
