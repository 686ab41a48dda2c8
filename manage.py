#!/usr/bin/env python
"""Every command of this project: `python manage.py help`."""

import os
import sys


def main() -> None:
    """Run one command with this project's settings; what it writes is for its own user only."""
    os.umask(0o077)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "giftops.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
