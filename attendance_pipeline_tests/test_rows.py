"""Date-times and CSV as vendors write them; JSON's rows are tested where they are shaped."""

from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance_pipeline.archive import Document
from attendance_pipeline.rows import CsvReader, Instant, RowReader, Unread


@pytest.mark.parametrize("decimals", range(13))
def test_an_instants_fraction_is_cut_to_microseconds(decimals: int) -> None:
    fraction = "987654321987"[:decimals]
    text = f"2026-03-10T09:00:59{'.' if decimals else ''}{fraction}"

    for zone in ("", "Z", "+00:00"):
        read = Instant.read(text + zone)
        assert read == datetime(2026, 3, 10, 9, 0, 59, int(fraction[:6].ljust(6, "0")), tzinfo=UTC)


def test_the_last_tenth_of_a_microsecond_stays_in_its_second() -> None:
    assert Instant.read("2026-12-31T23:59:59.9999999Z") == datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)


@given(
    st.datetimes(timezones=st.timezones(), allow_imaginary=False).filter(lambda at: 1 < at.year < 9999),
    st.text("0123456789", max_size=6),
)
def test_an_instant_is_the_same_moment_in_utc_whatever_its_offset(at: datetime, beyond: str) -> None:
    text = at.replace(tzinfo=None).isoformat(timespec="microseconds") + beyond
    offset = at.isoformat().removeprefix(at.replace(tzinfo=None).isoformat())

    read = Instant.read(text + offset)

    assert read == at.astimezone(UTC)
    assert read.utcoffset() == timedelta()


@pytest.mark.parametrize(
    "said",
    [None, 0, 1.5, True, [], {}, "", " ", "soon", "2026-02-30T09:00:00Z", "2026-03-10T25:00:00Z"]
    + ["10/3/2026", "2026-03-10T09:00Y", "2026-03-10T09:00:00+99:00", "0001-01-01T00:00:00+14:00"]
    + ["9999-12-31T23:59:59-14:00", "12026-03-10T09:00:00Z", "-2026-03-10T09:00:00Z"],
)
def test_anything_else_is_no_instant(said: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
        Instant.read(said)


def test_a_row_with_something_else_for_an_instant_is_told_by_its_field() -> None:
    class Row(msgspec.Struct, forbid_unknown_fields=True):
        at: Instant | None = None

    reader = RowReader(Row, "rows")
    body = b'{"rows":[{"at":"2026-03-10T09:00:00Z"},{"at":"soon"},{"at":5},{"at":null},{}]}'

    rows, positions, broken, _ = reader.rows(document(body))

    assert [row.at for row in rows] == [datetime(2026, 3, 10, 9, tzinfo=UTC), None, None]
    assert list(positions) == [0, 3, 4]
    assert [(one.rule, one.position) for one in broken] == [("wrong_type.at", 1), ("wrong_type.at", 2)]


class Event(msgspec.Struct, forbid_unknown_fields=True):
    """A line."""

    id: str
    at: Instant
    action: Literal["Joined", "Left"]
    name: str | None = None


NAMES = {"Id": "id", "At": "at", "TimeStamp": "at", "Action": "action", "Full Name": "name"}
AT = "2026-03-10T09:00:00Z"


def document(body: bytes) -> Document:
    return Document(
        document_id="d",
        kind="k",
        subject="s",
        reading="r",
        page=1,
        last=True,
        request="",
        status=200,
        fetched_at=datetime(2026, 3, 10, tzinfo=UTC),
        body=body,
    )


def read(body: str | bytes) -> tuple[list[Event], list[int], list[Unread], set[str]]:
    reader = CsvReader(Event, NAMES)
    rows, positions, broken, _ = reader.rows(document(body.encode() if isinstance(body, str) else body))
    return rows, positions, broken, reader.unknown_fields


def names(body: str | bytes) -> list[str | None]:
    return [row.name for row in read(body)[0]]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize(
    "header", ["Id,At,Action,Full Name", "Id,TimeStamp,Action,Full Name", ' Id ,"At",Action,name']
)
def test_lines_are_read_however_they_end_and_whatever_their_columns_are_called(
    end: str, mark: str, closed: bool, header: str
) -> None:
    body = mark + end.join([header, f"a,{AT},Joined,Bo", f"b,{AT},Left,", *([""] if closed else [])])

    rows, positions, broken, unknown = read(body)

    at = datetime(2026, 3, 10, 9, tzinfo=UTC)
    assert rows == [Event("a", at, "Joined", "Bo"), Event("b", at, "Left", "")]
    assert (positions, broken, unknown) == ([0, 1], [], set())


def test_what_is_quoted_is_one_field() -> None:
    lines = ['"Lund, Ida"', '"Ida ""The Voice"" Lund"', '"Ida\nLund"', '"Ida\r\nLund"', '""']
    body = "Id,At,Action,Full Name\r\n" + "".join(f"a,{AT},Joined,{line}\r\n" for line in lines)

    assert names(body) == ["Lund, Ida", 'Ida "The Voice" Lund', "Ida\nLund", "Ida\r\nLund", ""]


@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e"])
def test_no_other_character_ends_a_line(character: str) -> None:
    body = f"Id,At,Action,Full Name\r\na,{AT},Joined,Ida{character}Lund\r\n"

    rows, _, broken, _ = read(body)

    assert [row.name for row in rows] == [f"Ida{character}Lund"]
    assert broken == []


def test_columns_may_come_in_any_order_and_some_may_be_new() -> None:
    rows, _, broken, unknown = read(f"Mood,Action,Id,Score,At\nfine,Left,a,3,{AT}\n")

    assert [(row.id, row.action, row.name) for row in rows] == [("a", "Left", None)]
    assert (broken, unknown) == ([], {"Mood", "Score"})


def test_empty_lines_are_nothing() -> None:
    assert names(f"\r\n\r\nId,At,Action,Full Name\r\n\r\na,{AT},Left,Bo\r\n\r\nb,{AT},Left,Vera\r\n\r\n") == [
        "Bo",
        "Vera",
    ]


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("a,soon,Joined,Bo", "wrong_type.at"),
        ("a,,Joined,Bo", "wrong_type.at"),
        (f"a,{AT},joined,Bo", "wrong_type.action"),
        (f"a,{AT},,Bo", "wrong_type.action"),
        (f"a,{AT}", "missing_field.action"),
        ("a", "missing_field.at"),
        (f"a,Lund, Ida,{AT},Joined", "wrong_type.at"),
    ],
)
def test_a_broken_line_is_told_as_it_stands_and_the_others_are_read(line: str, rule: str) -> None:
    rows, positions, broken, _ = read(f"Id,At,Action,Full Name\r\nx,{AT},Joined,\r\n{line}\r\ny,{AT},Left,\r\n")

    assert [row.id for row in rows] == ["x", "y"]
    assert positions == [0, 2]
    assert broken == [Unread(rule, 1, line.encode())]


def test_a_broken_line_keeps_its_quotes() -> None:
    line = 'a,soon,Joined,"Lund, Ida"'

    (_, _, (broken,), _) = read(f"Id,At,Action,Full Name\r\n{line}\r\n")

    assert broken.row == line.encode()


def test_a_lines_own_bytes_are_found_by_its_position() -> None:
    body = f"Id,At,Action,Full Name\n\na,{AT},Joined,Bo\nb,{AT},Left,Vera\n".encode()
    reader = CsvReader(Event, NAMES)

    assert reader.raw(document(body)) == [f"a,{AT},Joined,Bo".encode(), f"b,{AT},Left,Vera".encode()]


@pytest.mark.parametrize("body", [b"", b"\r\n", b"\xef\xbb\xbf", b"Id,At,Action,Full Name\r\n"])
def test_a_file_without_lines_has_no_rows(body: bytes) -> None:
    assert read(body) == ([], [], [], set())


@pytest.mark.parametrize(
    "body",
    [
        f"Id,At,Action,Full Name\na,{AT},Joined,J\xfcrgen\n".encode("latin-1"),
        f"Id,At,Action,Full Name\na,{AT},Joined,Bo\n".encode("utf-16"),
        b"Id,At,Action,Full Name\na," + b"x" * 200_000 + b",Joined,Bo\n",
    ],
    ids=["Latin 1", "UTF-16", "a field without end"],
)
def test_a_file_that_cannot_be_read_is_told_whole(body: bytes) -> None:
    assert read(body)[:3] == ([], [], [Unread("unreadable_document", 0, body)])


@pytest.mark.parametrize(
    "body", [b"<html>maintenance</html>", b'{"error":{"code":"BadRequest"}}', b"Report,of,something,else\r\n"]
)
def test_a_file_without_the_columns_that_a_row_needs_is_no_report_without_rows(body: bytes) -> None:
    """Or else a page of a proxy's is a live event that nobody attended."""
    rows, _, broken, _ = read(body)

    assert (rows, [one.row for one in broken]) == ([], [body])


@given(st.binary(max_size=200) | st.text(alphabet='aJ,"\r\n\u2028\x00', max_size=60).map(str.encode))
def test_every_line_is_read_or_told_whatever_the_bytes(body: bytes) -> None:
    content = b"Id,At,Action,Full Name\n" + body
    reader = CsvReader(Event, NAMES)

    rows, positions, broken, _ = reader.rows(document(content))

    if [one.rule for one in broken] == ["unreadable_document"]:
        assert rows == []
        return
    assert sorted([*positions, *(one.position for one in broken)]) == list(range(len(reader.raw(document(content)))))
    assert len(rows) == len(positions)
