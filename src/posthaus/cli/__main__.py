"""`python -m posthaus.cli`, the same as `posthaus`."""

import sys

from posthaus.cli import main

if __name__ == "__main__":
    sys.exit(main())
