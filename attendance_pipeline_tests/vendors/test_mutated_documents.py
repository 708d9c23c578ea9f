"""Whatever stands in a vendor's document: each of its rows lands or is quarantined, never both and never neither."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attendance_pipeline.archive import Archive, Document
from attendance_pipeline.shape import Shaped

from . import teams_documents as teams
from . import test_zoom_shaping as zoom
from . import webex_documents as webex

Row = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """Documents of one kind, and what becomes of them.

    Attributes:
        row: a fine one.
        id: its field that tells one row from another.
        document: of a page's body.
        shaped: what an archive's documents of this kind become.
    """

    row: Row
    id: str
    rows_field: str
    document: Callable[[bytes], Document]
    shaped: Callable[[Archive], Shaped]


def of_zoom(kind: str) -> Callable[[bytes], Document]:
    return lambda body: replace(zoom.listing(body, kind=kind), window_first=zoom.DAY, window_last=zoom.DAY)


def of_webex(kind: str) -> Callable[[bytes], Document]:
    return lambda body: replace(webex.listing(body, kind=kind), window_first=webex.DAY, window_last=webex.DAY)


def of_teams(kind: str, subject: str = "") -> Callable[[bytes], Document]:
    return lambda body: teams.naming(kind, body, subject=subject, first=teams.DAY, last=teams.DAY)


USER_MEETING = {
    "uuid": zoom.UUID,
    "id": 81234567890,
    "type": 2,
    "topic": "Review",
    "start_time": "2026-03-10T09:00:00Z",
    "end_time": "2026-03-10T10:00:00Z",
    "participants_count": 2,
    "custom_keys": [{"key": "floor", "value": "2"}],
}
LISTS = {
    "zoom account-wide": Kind(
        zoom.listed(), "meeting_uuid", "history_meetings", of_zoom("history_meetings"), zoom.meetings_of
    ),
    "zoom of a host": Kind(USER_MEETING, "uuid", "meetings", of_zoom("user_meetings"), zoom.meetings_of),
    "webex meetings": Kind(webex.listed(), "id", "items", of_webex("meetings"), webex.meetings_of),
    "webex usage": Kind(webex.used(), "meetingId", "items", of_webex(webex.CENTER), webex.meetings_of),
    "teams calls": Kind(
        teams.call(), "id", "value", of_teams("call_records"), lambda a: teams.lists_of(a)[0]["meetings"][teams.DAY]
    ),
    "teams reports": Kind(
        teams.listed(),
        "id",
        "value",
        of_teams("attendance_reports", teams.MEETING_HOME.subject),
        lambda a: teams.lists_of(a)[0]["attendance_reports"][teams.DAY],
    ),
}
REPORTS = {
    "zoom participants": Kind(
        zoom.joined(),
        "user_id",
        "participants",
        zoom.report_of,
        lambda a: zoom.attendance_of(a)["participants"],
    ),
    "webex attendees": Kind(
        webex.attended(),
        "clientAgent",
        "items",
        lambda body: webex.report(body, kind="attendees"),
        lambda a: webex.attendance_of(a)["attendees"],
    ),
    "webex participants": Kind(
        webex.took_part(breakoutSessionsAttended=[webex.breakout()]),
        "id",
        "items",
        webex.report,
        lambda a: webex.attendance_of(a)["participants"],
    ),
    "teams records": Kind(
        teams.record(),
        "id",
        "value",
        lambda body: teams.about(teams.RECORDS, body),
        lambda a: teams.attendance_of(a)[teams.RECORDS],
    ),
}

NESTED: Any = "deep"
for _ in range(400):
    NESTED = [NESTED]
ODD = st.sampled_from(
    [None, True, 0, -1, 7.5, 2**31, 2**63, 2**70, 1e308, "", "x", "a\0b", "\ud83d", "2", [], [None], {}, {"id": "x"}]
    + ["soon", "2026-03-10T09:30:00Z", "2026-03-10T09:30:00.1234567+00:00", "0001-01-01T00:00:00Z", NESTED]
)


def places(row: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a row, itself too."""
    inner = row.items() if isinstance(row, dict) else enumerate(row) if isinstance(row, list) else ()
    return [path, *(found for name, value in inner for found in places(value, (*path, name)))]


def spoiled(row: Any, path: tuple[Any, ...], value: object) -> Any:
    """With another value in this place; `...` takes it out."""
    if not path:
        return value
    row = row.copy()
    if len(path) == 1 and value is ...:
        del row[path[0]]
    else:
        row[path[0]] = spoiled(row[path[0]], path[1:], value)
    return row


@st.composite
def rows_of(draw: st.DrawFn, kind: Kind) -> list[Any]:
    """A few rows with ids of their own, some spoiled in one or two places, some sent again word for word."""
    rows: list[Any] = []
    for number in range(draw(st.integers(1, 5))):
        row: Any = kind.row | {kind.id: f"{kind.row.get(kind.id, '')}{number}"}
        for _ in range(draw(st.integers(0, 2))):
            path = draw(st.sampled_from(places(row)))
            row = spoiled(row, path, draw(st.just(...) | ODD) if path else draw(ODD))
        rows += [row] * draw(st.sampled_from([1, 1, 1, 2]))
    return rows


def shaped(kind: Kind, body: bytes) -> Shaped:
    with TemporaryDirectory() as folder:
        archive = Archive(Path(folder), "any")
        teams.keep(archive, kind.document(body))
        return kind.shaped(archive)


def page(kind: Kind, rows: Sequence[Any]) -> bytes:
    return json.dumps({kind.rows_field: rows}).encode()


def as_kept(row: Any) -> bytes:
    """As it was sent, but for half a pair of surrogates, which nothing can hold."""
    return json.dumps(row).replace("\\ud83d", "\\ufffd").encode()


bounded = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))


@bounded
@pytest.mark.parametrize("kind", REPORTS.values(), ids=REPORTS)
@given(data=st.data())
def test_every_row_of_a_report_lands_is_quarantined_or_is_a_repetition(kind: Kind, data: st.DataObject) -> None:
    rows = data.draw(rows_of(kind))

    result = shaped(kind, page(kind, rows))

    quarantined = result.quarantined.to_pylist()
    assert result.rows.num_rows + len(quarantined) + result.duplicates == len(rows)
    assert len({(row["document_id"], row["position"]) for row in quarantined}) == len(quarantined)
    for row in quarantined:
        assert row["row"] == as_kept(rows[row["position"]])


def not_ended(kind: Kind, row: Any) -> bool:
    """Webex lists what it has no times of yet."""
    if kind.rows_field != "items" or not isinstance(row, dict):
        return False
    return not row.get("start") or not row.get("end")


@bounded
@pytest.mark.parametrize("kind", LISTS.values(), ids=LISTS)
@given(data=st.data())
def test_every_meeting_of_a_list_lands_or_is_quarantined(kind: Kind, data: st.DataObject) -> None:
    """Under an id that the list gives twice, its newest word counts."""
    rows = [row for row in data.draw(rows_of(kind)) if not not_ended(kind, row)]

    result = shaped(kind, page(kind, rows))

    said: dict[str, Any] = {}
    for row in rows:
        name = row.get(kind.id) if isinstance(row, dict) else None
        said[name if isinstance(name, str) and name else json.dumps(row)] = row
    quarantined = [row["row"] for row in result.quarantined.to_pylist()]
    assert result.rows.num_rows + len(quarantined) == len(said)
    assert not Counter(quarantined) - Counter(map(as_kept, said.values()))


ENDS = {
    "zoom account-wide": "end_time",
    "zoom of a host": "end_time",
    "webex meetings": "end",
    "webex usage": "end",
    "teams calls": "endDateTime",
    "teams reports": "meetingEndDateTime",
}


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("end", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_listed_meeting_that_ended_on_no_possible_date_is_quarantined(kind: str, end: str) -> None:
    result = shaped(LISTS[kind], page(LISTS[kind], [LISTS[kind].row | {ENDS[kind]: end}]))

    assert result.rows.num_rows == 0
    (rule,) = result.rules
    assert rule.startswith("impossible_time.")
