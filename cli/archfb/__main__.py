"""`archfb` and `python -m archfb`."""

from __future__ import annotations

import gc
import sys

GC_THRESHOLD = 100_000
"""New objects between two looks for unused cycles. Imports make no such cycles, and looking for them 300 times, as
Python's default of 700 does, takes a fifth of a short command's time; one that asks a model makes 60,000 of them."""


def main() -> int:
    """Run the command line of this process and return its exit code."""
    gc.set_threshold(GC_THRESHOLD, 10, 10)
    from archfb.door import enter

    code = enter(sys.argv[1:])
    gc.freeze()  # the interpreter looks through all that is left several times before it ends: 30 ms
    return code


if __name__ == "__main__":
    sys.exit(main())
