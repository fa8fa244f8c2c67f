"""Lets `python -m services.command_line` do what `basalt` does."""

import sys

from services.command_line.main import main

sys.exit(main())
