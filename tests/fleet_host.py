"""One host of a fleet: `fleet_host.py URL CONFIG WRONG INTERVAL` probes what is due until its input ends.

Its own clock is WRONG by so many seconds; the interval is shorter than a configuration may say, for a test's sake.
"""

from __future__ import annotations

import asyncio
import select
import sys
import time
from dataclasses import replace


async def _probing(url: str, config: str, interval: float) -> None:
    from archfb.routing.router import Router

    async with Router.open(config, url) as router:
        known = router.desk.settings
        router.desk.settings = replace(known, health=replace(known.health, interval=interval))
        while not select.select([sys.stdin], [], [], 0.05)[0]:
            await router.probe()


if __name__ == "__main__":
    _real, _wrong = time.time, float(sys.argv[3])
    time.time = lambda: _real() + _wrong
    asyncio.run(_probing(*sys.argv[1:3], float(sys.argv[4])))
