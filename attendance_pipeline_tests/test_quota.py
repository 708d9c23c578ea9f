"""A backfill larger than the day's quota: as many days as planned, the reserve untouched, nothing asked for twice."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from attendance_pipeline.days import DAYS
from attendance_pipeline.due import due_dates
from attendance_pipeline.plan import plan
from attendance_pipeline.vendors.zoom import Zoom
from attendance_pipeline.windows import Window

from .vendors.account import FORTNIGHT
from .vendors.zoom_account import LATER, SandboxAccount, is_about_attendance, sandbox_account

LIMIT, RESERVE = 24, 10
A_DAY = LIMIT - LIMIT * RESERVE // 100


@pytest.fixture
def account(tmp_path: Path) -> Iterator[SandboxAccount]:
    with sandbox_account(tmp_path) as account:
        account.use(ZOOM_DAILY_LIMIT=str(LIMIT), ATTENDANCE_QUOTA_RESERVE=str(RESERVE))
        yield account


def heavy_a_day(account: SandboxAccount) -> Counter[date]:
    return Counter(seen.at.date() for seen in account.requests() if seen.label == "HEAVY")


def on_the_next_day(account: SandboxAccount) -> None:
    account.clock.now = datetime.combine(account.clock.now.date() + timedelta(days=1), time(0, 7), LATER.tzinfo)


def truth(account: SandboxAccount, days: list[date]) -> list[tuple[Any, ...]]:
    return sorted((one.vendor_meeting_id, one.joined_at, one.left_at) for one in account.truth(days).intervals)


def held(account: SandboxAccount, days: list[date]) -> list[tuple[Any, ...]]:
    return sorted(
        (row["meeting_uuid"], row["join_time"], row["leave_time"]) for row in account.rows("participants", days)
    )


def test_a_backfill_goes_on_each_day_until_it_is_done(account: SandboxAccount) -> None:
    landed = account.land(FORTNIGHT)
    planned = plan(account.vendor, account.lake, FORTNIGHT, again=False)
    ran = 1
    while landed.pulled.stopped is not None:
        # fewer than the next meeting's pages
        assert landed.pulled.quota_left in (0, 1)
        on_the_next_day(account)
        assert due_dates(Zoom, account.lake, account.clock.now, FORTNIGHT[0])[-1].first in FORTNIGHT
        account.land_meetings(FORTNIGHT, again=False)
        landed = account.land_attendance(FORTNIGHT)
        ran += 1

    assert ran >= 4
    # the plan was made on the first day, when nothing was left of it
    assert planned.left in (0, 1)
    assert planned.days == ran
    assert max(heavy_a_day(account).values()) == A_DAY
    about_meetings = Counter(
        (seen.path, seen.query.get("next_page_token", "")) for seen in account.requests() if is_about_attendance(seen)
    )
    assert set(about_meetings.values()) == {1}
    assert held(account, FORTNIGHT) == truth(account, FORTNIGHT)


def test_the_oldest_meetings_come_first(account: SandboxAccount) -> None:
    account.land(FORTNIGHT)

    statuses = [(row["recoverable_until"], row["read_at"] is None) for row in account.rows("readings", FORTNIGHT)]

    unread = [until for until, is_unread in statuses if is_unread]
    assert unread
    assert max(until for until, is_unread in statuses if not is_unread) <= min(unread)


def test_lists_that_do_not_fit_into_the_day_leave_the_dates_for_the_next(account: SandboxAccount) -> None:
    account.use(ZOOM_DAILY_LIMIT="4", ATTENDANCE_QUOTA_RESERVE="0")
    days = FORTNIGHT[:3]

    landed = account.land_meetings(days)

    assert landed.left == days
    assert "go on after 2026-03-18 00:00 UTC" in str(landed.pulled.stopped)
    assert {file.split("/")[1] for file in account.tables()} == {DAYS}
    assert {row["status"] for row in account.rows(DAYS, days)} == {"not_ready"}
    on_the_next_day(account)
    assert due_dates(Zoom, account.lake, account.clock.now, days[0])[0] == Window(days[0], account.clock.now.date())
    account.use(ZOOM_DAILY_LIMIT="1000")
    account.land(days)
    assert held(account, days) == truth(account, days)
    assert {row["status"] for row in account.rows(DAYS, days)} == {"complete"}


def test_a_plan_says_what_is_known_and_what_is_guessed(account: SandboxAccount) -> None:
    account.use(ZOOM_DAILY_LIMIT="1000")
    first, later = FORTNIGHT[:5], FORTNIGHT[5:]

    fresh = plan(account.vendor, account.lake, first)
    account.land(first)
    known = plan(account.vendor, account.lake, FORTNIGHT)

    assert (fresh.reports, fresh.unknown, fresh.guessed, fresh.lists, fresh.is_whole) == (0, 5, None, None, False)
    assert str(fresh) == (
        "zoom: 5 dates, nobody knows yet how many requests (no report is known to be due, the meetings of 5 dates "
        "aren't known yet); 900 of 900 are left today"
    )
    asked = len(account.requests())
    readings = len(account.rows("readings", first))
    assert (known.reports, known.unknown, known.guessed) == (0, len(later), round(readings / 5 * len(later)))
    assert known.lists == asked - sum(map(is_about_attendance, account.requests()))
    assert known.is_whole
    assert known.left == 900 - sum(heavy_a_day(account).values())
    account.land_meetings(later)
    due = plan(account.vendor, account.lake, later)
    assert (due.unknown, due.reports) == (0, len(account.truth(later).meetings))
