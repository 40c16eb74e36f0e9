"""`python -m minseg`: the command line, see `minseg.commands`."""

import sys

from minseg.commands import main

if __name__ == "__main__":
    sys.exit(main())
