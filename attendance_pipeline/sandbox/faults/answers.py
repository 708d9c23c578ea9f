"""Faults of whole answers: throttling, failures, what comes over the wire broken, slowly, or as something else."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import format_datetime

from attendance_pipeline.sandbox.faults.fault import Ask, Fault, Trouble
from attendance_pipeline.sandbox.wire import Answer, Call, Sending
from attendance_pipeline.sandbox.zoom.limits import HEAVY_PER_DAY, day_is_spent

Bend = Callable[[Trouble, Call, Ask], Answer | None]

PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>\n"
STATUSES = (500, 502, 503, 504)
MEGABYTE = 2**20
MOMENT = timedelta(seconds=1)


def _failing(status: int) -> Bend:
    body = f"<html><head><title>{status}</title></head><body>Please try again later.</body></html>\n".encode()
    return lambda trouble, call, ask: Answer(status, body, content_type="text/html")


def _failing_in_turn(trouble: Trouble, call: Call, ask: Ask) -> Answer | None:
    trouble.seen["burst"] += 1
    return _failing(STATUSES[(trouble.seen["burst"] - 1) % len(STATUSES)])(trouble, call, ask)


def _throttled(retry_after: Callable[[datetime], str] | None) -> Bend:
    def bend(trouble: Trouble, call: Call, ask: Ask) -> Answer:
        answer = trouble.dialect.throttled(call)
        if retry_after is None:
            return answer
        return replace(answer, headers=answer.headers | {"Retry-After": retry_after(trouble.dialect.now())})

    return bend


REPORTS_A_DAY = 2


def _spent(trouble: Trouble, call: Call, ask: Ask) -> Answer | None:
    """A day's calls are spent once so many reports were read; the next day begins anew."""
    now = trouble.dialect.now()
    trouble.seen[str(now.date())] += 1
    spent = trouble.seen[str(now.date())] > REPORTS_A_DAY
    return day_is_spent(HEAVY_PER_DAY["pro"], now) if spent else None


def _html(trouble: Trouble, call: Call, ask: Ask) -> Answer | None:
    """In place of a page of rows."""
    if trouble.dialect.rows(ask(call)) is None:
        return None
    return Answer(200, PAGE, content_type="text/html;charset=UTF-8")


def _truncated(trouble: Trouble, call: Call, ask: Ask) -> Answer | None:
    answer = ask(call)
    return replace(answer, body=answer.body[: len(answer.body) // 2]) if answer.body else None


def _sent(sending: Callable[[Answer], Sending]) -> Bend:
    """What the vendor says, if it says anything, by another way."""

    def bend(trouble: Trouble, call: Call, ask: Ask) -> Answer | None:
        answer = ask(call)
        return replace(answer, sending=sending(answer)) if answer.body else None

    return bend


_reset = _sent(lambda answer: Sending(bytes_sent=len(answer.body) // 2))
_dripping = _sent(lambda answer: Sending(pause_seconds=0.1))
_huge = _sent(lambda answer: Sending(padding=200 * MEGABYTE))


def _led_elsewhere(trouble: Trouble, call: Call, ask: Ask) -> Answer:
    return Answer(302, b"", headers={"Location": trouble.elsewhere + call.path}, content_type="text/plain")


def _seconds_from(now: datetime) -> datetime:
    return (now + MOMENT).replace(microsecond=0)


TIMES = 2
ANSWERS = (
    Fault(
        "throttled_seconds",
        "429, Retry-After in whole seconds",
        _throttled(lambda _: "1"),
        times=1,
        where=("report",),
    ),
    Fault(
        "throttled_fraction", "429, Retry-After in seconds with decimals", _throttled(lambda _: "0.05"), times=TIMES
    ),
    Fault(
        "throttled_http_date",
        "429, Retry-After as an HTTP date within a second",
        _throttled(lambda now: format_datetime(_seconds_from(now), usegmt=True)),
        times=TIMES,
    ),
    Fault(
        "throttled_iso_date",
        "429, Retry-After as an ISO date within a second",
        _throttled(lambda now: _seconds_from(now).strftime("%Y-%m-%dT%H:%M:%SZ")),
        times=TIMES,
    ),
    Fault(
        "throttled_dice",
        "429, Retry-After as Webex's unevaluated rand(…),add(…)",
        _throttled(lambda _: "rand(0),add(1)"),
        times=1,
        where=("report",),
        vendors=("webex",),
    ),
    Fault("throttled_nonsense", "429, Retry-After that says nothing", _throttled(lambda _: "soon"), times=TIMES),
    Fault("throttled_silently", "429 without Retry-After", _throttled(None), times=TIMES),
    Fault(
        "throttled_for_an_hour",
        "429 to reports, Retry-After an hour",
        _throttled(lambda _: "3600"),
        where=("report",),
    ),
    Fault(
        "list_throttled_for_an_hour",
        "429 to lists, Retry-After an hour",
        _throttled(lambda _: "3600"),
        where=("list",),
    ),
    Fault(
        "daily_quota",
        f"429 of the day's quota after {REPORTS_A_DAY} reports, until the next UTC day",
        _spent,
        where=("report",),
        vendors=("zoom",),
    ),
    Fault(
        "failing_burst",
        "500, 502, 503 and 504 in turn, as the first answers",
        _failing_in_turn,
        times=len(STATUSES),
    ),
    Fault("down", "503 to everything", _failing(503)),
    Fault("reports_down", "503 to every report", _failing(503), where=("report",)),
    Fault("poisonous_meeting", "500 to one meeting's reports", _failing(500), where=("report",), one_meeting=True),
    Fault(
        "blocked_meeting",
        "403 as HTML to one meeting's reports, from the edge",
        _failing(403),
        where=("report",),
        one_meeting=True,
    ),
    Fault("html", "200 with a page of HTML", _html, times=TIMES),
    Fault("truncated_json", "JSON that ends in the middle, in full length", _truncated, times=TIMES),
    Fault("reset_in_body", "a connection reset in the middle of a body", _reset, times=TIMES, on_the_wire=True),
    Fault("slow_body", "a body that trickles in for minutes", _dripping, times=1, on_the_wire=True),
    Fault(
        "huge_body",
        "a body of 200 MB for one meeting's reports",
        _huge,
        where=("report",),
        one_meeting=True,
        on_the_wire=True,
    ),
    Fault(
        "redirect_elsewhere",
        "a redirect to a foreign host for one meeting's reports",
        _led_elsewhere,
        where=("report",),
        one_meeting=True,
    ),
    Fault("list_redirect_elsewhere", "a redirect of lists to a foreign host", _led_elsewhere, where=("list",)),
    Fault(
        "download_fails",
        "500 where a download link leads, twice",
        _failing(500),
        where=("download",),
        times=2,
        vendors=("teams",),
    ),
    Fault(
        "download_reset",
        "a connection reset in the middle of a download",
        _reset,
        where=("download",),
        times=1,
        on_the_wire=True,
        vendors=("teams",),
    ),
    Fault(
        "download_elsewhere",
        "the download link of one meeting's reports leads to a foreign host",
        _led_elsewhere,
        where=("report",),
        one_meeting=True,
        vendors=("teams",),
    ),
    Fault(
        "download_html",
        "200 with HTML in place of the download link of one meeting's reports",
        lambda trouble, call, ask: Answer(200, PAGE, content_type="text/html;charset=UTF-8"),
        where=("report",),
        one_meeting=True,
        vendors=("teams",),
    ),
)
