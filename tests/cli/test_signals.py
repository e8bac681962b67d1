"""Stopping signals become cancelled tasks or interrupts; the handlers are given back."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys

import pytest
from processes import PATIENCE, variables

from archfb.signals import STOPPING, Signals


@pytest.mark.parametrize("number", STOPPING)
def test_a_signal_interrupts_what_is_going_on(number: int) -> None:
    with Signals() as signals:
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
        assert signals.exit_code == 128 + number


@pytest.mark.parametrize("number", STOPPING)
def test_a_signal_cancels_asynchronous_work_which_may_clean_up(number: int) -> None:
    cleaned: list[str] = []

    async def work() -> None:
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), number)
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append("lease")

    with Signals() as signals:
        with pytest.raises(KeyboardInterrupt):
            signals.run(work())
        assert signals.exit_code == 128 + number
    assert cleaned == ["lease"]


def test_work_gives_its_result() -> None:
    async def work() -> int:
        return 42

    with Signals() as signals:
        assert signals.run(work()) == 42
        assert signals.exit_code is None


def test_work_does_not_begin_after_a_signal() -> None:
    async def work() -> None:
        pytest.fail("it began")

    with Signals() as signals:
        signals.received = signal.SIGTERM
        with pytest.raises(KeyboardInterrupt):
            signals.run(work())


def test_the_handlers_are_given_back() -> None:
    before = [signal.getsignal(number) for number in STOPPING]
    with Signals():
        assert signal.getsignal(signal.SIGTERM) not in before
    assert [signal.getsignal(number) for number in STOPPING] == before


STUBBORN = """
import asyncio, os, signal, time
from archfb.signals import Signals

async def work():
    asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGTERM)
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass

def spin():
    while True:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)
        except KeyboardInterrupt:
            pass

with Signals() as signals:
    signals.run(work()) if {asynchronous} else spin()
"""


@pytest.mark.parametrize("asynchronous", [True, False])
def test_what_will_not_stop_is_ended(asynchronous: bool) -> None:
    program = STUBBORN.replace("{asynchronous}", str(asynchronous))
    ended = subprocess.run(
        [sys.executable, "-c", program], env=variables(), capture_output=True, timeout=PATIENCE, check=False
    )
    assert ended.returncode == 143
