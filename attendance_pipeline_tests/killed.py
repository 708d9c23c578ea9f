"""A landing in a process of its own that is killed in the middle."""

import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Callable, Sequence
from datetime import date, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Literal

import pytest

from attendance_pipeline.sandbox import Seen
from attendance_pipeline.windows import dates

from .sandbox.client import Clock
from .vendors.account import SandboxVendorAccount, at_full_speed, settings
from .vendors.teams_account import TeamsAccount, unpaced
from .vendors.webex_account import WebexAccount
from .vendors.zoom_account import ZoomAccount

ACCOUNTS = {account.vendor_type.name: account for account in (ZoomAccount, WebexAccount, TeamsAccount)}

Step = Literal["meetings", "attendance"]

PROCESSES = multiprocessing.get_context("forkserver")
"""Processes of a server that has imported everything once; it has no thread and no state of the tests'."""
PROCESSES.set_forkserver_preload([__name__])


def killed_after(
    requests: int, account: SandboxVendorAccount, days: Sequence[date], step: Step = "attendance"
) -> list[Seen]:
    """A run of another process that dies without warning once it has asked so often; what it asked."""
    asked = len(account.requests())
    return killed_once(lambda: len(account.requests()) - asked >= requests, account, days, step)


def killed_once(
    is_time: Callable[[], bool], account: SandboxVendorAccount, days: Sequence[date], step: Step = "attendance"
) -> list[Seen]:
    """A run of another process that dies without warning once it is time; what it asked."""
    ours, theirs = PROCESSES.Pipe(duplex=False)
    work = (step, account.vendor_type.name, account.settings.data, account.sandbox.settings, account.clock.now, days)
    process = PROCESSES.Process(target=land, args=(theirs, *work))
    with account.noting() as seen, ours:
        process.start()
        theirs.close()
        while not is_time():
            if not process.is_alive():
                pytest.fail(f"it ended before it was killed: {ours.recv() if ours.poll() else process.exitcode}")
            time.sleep(0.002)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert process.exitcode == -signal.SIGKILL
        time.sleep(account.options.latency_seconds + 0.05)  # what was on its way is noted
    return seen


def land(
    told: Connection,
    step: Step,
    vendor: str,
    folder: Path,
    variables: dict[str, str],
    now: datetime,
    days: Sequence[date],
) -> None:
    account = ACCOUNTS[vendor](settings(folder, variables), Clock(now))
    work = {"meetings": account.land_meetings, "attendance": account.land_attendance}[step]
    with at_full_speed(), unpaced():
        try:
            work(dates(days[0], days[-1]))
            told.send("it had done everything")
        except BaseException:
            told.send(traceback.format_exc())
            raise
