"""`archfb` and `python -m archfb`."""

from __future__ import annotations

import sys

from archfb.door import enter


def main() -> int:
    """Run the command line of this process and return its exit code."""
    return enter(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
