"""A landing in a process of its own that is killed in the middle; run as a module, this is that process."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import date, datetime
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
    arguments = [account.vendor_type.name, str(account.settings.data), json.dumps(account.sandbox.settings)]
    times = [str(account.clock.now), str(days[0]), str(days[-1])]
    with account.noting() as seen:
        with subprocess.Popen(
            [sys.executable, "-m", __name__, step, *arguments, *times],
            cwd=Path(__file__).parent.parent,
            stderr=subprocess.PIPE,
        ) as process:
            while not is_time():
                if process.poll() is not None:
                    pytest.fail(f"it ended before it was killed: {process.communicate()[1].decode()}")
                time.sleep(0.002)
            os.kill(process.pid, signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
        time.sleep(account.options.latency_seconds + 0.05)  # what was on its way is noted
    return seen


def land(step: str, vendor: str, folder: str, variables: str, now: str, first: str, last: str) -> None:
    account = ACCOUNTS[vendor](settings(Path(folder), json.loads(variables)), Clock(datetime.fromisoformat(now)))
    work = {"meetings": account.land_meetings, "attendance": account.land_attendance}[step]
    with at_full_speed(), unpaced():
        work(dates(date.fromisoformat(first), date.fromisoformat(last)))


if __name__ == "__main__":
    land(*sys.argv[1:])
