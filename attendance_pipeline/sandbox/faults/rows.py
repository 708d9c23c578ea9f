"""Faults of rows: not there yet, with more or other than was documented, broken."""

from collections.abc import Callable
from typing import Any

from attendance_pipeline.sandbox.faults.dialect import Interval, Row
from attendance_pipeline.sandbox.faults.fault import EVERYWHERE, Ask, Fault, Trouble
from attendance_pipeline.sandbox.wire import Answer, Call

Change = Callable[[Row, Interval], list[Any]]
"""A row and where it tells a join and a leave → what stands in its place."""


def _not_ready(trouble: Trouble, call: Call, ask: Ask) -> Answer | None:
    """Graph lists reports that are ready; others say of each that there's none."""
    asked, dialect = trouble.dialect.asked(call), trouble.dialect
    if trouble.vendor != "teams":
        return dialect.unknown_meeting(call, asked.meeting) if asked.where == "report" else None
    answer = ask(call)
    rows = dialect.rows(answer) if call.path.endswith("/attendanceReports") else None
    return None if rows is None else dialect.with_rows(answer, [row for row in rows if row["id"] != trouble.meeting])


def _late(trouble: Trouble, call: Call, ask: Ask) -> Answer | None:
    """What is asked for the first time lacks its last row."""
    answer, what = ask(call), f"{call.path} {call.query}"
    rows, trouble.seen[what] = trouble.dialect.rows(answer), trouble.seen[what] + 1
    return trouble.dialect.with_rows(answer, rows[:-1]) if rows and trouble.seen[what] == 1 else None


def _one_row(change: Change) -> Callable[[Trouble, Call, Ask], Answer | None]:
    """The first row that tells of a while."""

    def bend(trouble: Trouble, call: Call, ask: Ask) -> Answer | None:
        answer, dialect = ask(call), trouble.dialect
        rows = dialect.rows(answer) or []
        for place, row in enumerate(rows):
            interval = dialect.interval(row)
            if interval is not None and interval.told[interval.seconds]:
                return dialect.with_rows(answer, [*rows[:place], *change(row, interval), *rows[place + 1 :]])
        return None

    return bend


def _every_length(trouble: Trouble, call: Call, ask: Ask) -> Answer | None:
    """Every length in words."""
    answer, dialect = ask(call), trouble.dialect
    rows = dialect.rows(answer)
    if not rows:
        return None
    for row in rows:
        if interval := dialect.interval(row):
            interval.told[interval.seconds] = "long"
    return dialect.with_rows(answer, rows)


def _with_more(trouble: Trouble, call: Call, ask: Ask) -> Answer | None:
    answer = ask(call)
    rows = trouble.dialect.rows(answer)
    if not rows:
        return None
    return trouble.dialect.with_rows(answer, [row | {"brandNew": {"since": 2026}} for row in rows])


def _listed_without_end(trouble: Trouble, call: Call, ask: Ask) -> Answer | None:
    """Lists tell the end of one meeting as a number."""
    answer, dialect = ask(call), trouble.dialect
    rows = dialect.rows(answer) or []
    named = [row for row in rows if trouble.meeting in (row.get(name) for name in dialect.id_names)]
    for row in named:
        row |= {name: 5 for name in dialect.end_names if name in row}
    return dialect.with_rows(answer, rows) if named else None


def _without_id(row: Row, interval: Interval) -> list[Any]:
    name = "user_id" if "user_id" in row else "id"
    return [{key: said for key, said in row.items() if key != name}]


def _length(value: object) -> Change:
    def change(row: Row, interval: Interval) -> list[Any]:
        interval.told[interval.seconds] = value
        return [row]

    return change


def _join(value: object) -> Change:
    def change(row: Row, interval: Interval) -> list[Any]:
        interval.told[interval.joined] = value
        return [row]

    return change


def _swapped(row: Row, interval: Interval) -> list[Any]:
    told, joined, left, _ = interval
    told[joined], told[left] = told[left], told[joined]
    return [row]


def _contradicted(row: Row, interval: Interval) -> list[Any]:
    name = next(name for name in ("role", "registered", "displayName", "name") if name in row)
    return [row, row | {name: not row[name] if isinstance(row[name], bool) else "Somebody Else"}]


def _one(name: str, says: str, change: Change, vendors: tuple[str, ...] = EVERYWHERE) -> Fault:
    """One row of each of one meeting's reports."""
    return Fault(name, says, _one_row(change), where=("report",), one_meeting=True, vendors=vendors)


ROWS = (
    Fault("report_not_ready", "one meeting's report isn't there yet", _not_ready, one_meeting=True),
    Fault("late_rows", "one meeting's last row comes later", _late, where=("report",), one_meeting=True),
    Fault("new_field", "every row has a field more than documented", _with_more),
    Fault("new_format", "every row's length is told in words", _every_length, where=("report",)),
    Fault("listed_without_end", "a list tells one meeting's end as a number", _listed_without_end, where=("list",)),
    _one("row_without_id", "a row lacks its id", _without_id, ("zoom", "webex")),
    _one("row_of_another_type", "a row's length is told in words", _length("long")),
    _one("row_without_time", "a row's time of joining is null", _join(None), ("zoom", "webex")),
    _one("row_with_impossible_time", "a row's join lies in the year 1", _join("0001-01-01T00:00:00Z")),
    _one("row_that_leaves_first", "a row's leave lies before its join", _swapped),
    _one("row_of_negative_length", "a row's length is negative", _length(-5)),
    _one("row_that_is_no_row", "a row is a word", lambda row, interval: ["row"]),
    _one("row_contradicted", "a row comes twice and differs", _contradicted),
    _one(
        "row_of_unknown_state",
        "a row's status isn't among the documented ones",
        lambda row, interval: [row | {"status": "in_transit"}],
        ("zoom",),
    ),
    _one(
        "row_of_another_meeting",
        "a row names another instance",
        lambda row, interval: [row | {"meetingId": "0" * 32 + "_I_1"}],
        ("webex",),
    ),
)
