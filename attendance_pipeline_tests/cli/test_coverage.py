"""`coverage` as a user meets it, over hand-made marts; over real ones in test_cli.py."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from attendance_pipeline.calendars import SIGNS
from attendance_pipeline_tests.console import called
from attendance_pipeline_tests.hand_made_marts import NOON, TODAY, day, gap, write_marts

FEBRUARY = ("--from", "2026-01-30", "--to", "2026-02-10")

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def published(tmp_path: Path) -> Path:
    return tmp_path / "attendance.duckdb"


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ATTENDANCE_DATA", str(tmp_path))
    monkeypatch.delenv("ATTENDANCE_START_DATE", raising=False)
    monkeypatch.delenv("ATTENDANCE_WAREHOUSE", raising=False)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = called("coverage", *arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return call


def february(number: int) -> date:
    return date(2026, 1, 31) + timedelta(days=number)


def test_each_day_is_a_sign_that_needs_no_colour(cli: Cli, published: Path) -> None:
    still = {"settles_at": NOON + timedelta(days=1)}
    write_marts(
        published,
        coverage_days=[
            day("teams", february(0)),
            day("teams", february(1), meetings=0, held=0),
            day("teams", february(2), meetings=3, denied=1, not_ready=1, missing=1),
            day("teams", february(3), "partial", rows_quarantined=2),
            day("teams", february(4), "not_ready", meetings=0, held=0, **still),
            day("teams", february(5), "denied", meetings=0, held=0),
            day("teams", february(6), "never_asked", meetings=0, held=0),
            day("teams", february(7), "never_asked", meetings=0, held=0),
            day("teams", february(8), meetings=2, partial=1, missing=1),
            day("teams", february(9), "partial", **still),
            day("zoom", february(9)),
        ],
        expiring=[gap("teams", february(7))],
        lost=[gap("teams", february(8), meeting="m"), gap("zoom", february(7))],
    )

    code, out, _ = cli(*FEBRUARY, "--vendor", "teams")

    shown = out.splitlines()
    assert code == 0
    assert shown[:5] == [
        "teams    8 meetings (1 denied, 5 held, 1 not ready, 1 partial)",
        "         10 days (4 complete, 1 denied, 2 never asked, 1 not ready, 2 partial)",
        "         1       5         10        15        20        25        30",
        "2026-01                                                              ■  1 held",
        "2026-02  ▢ ◧ ◧ ? ✗ · ! † ~" + " " * 46 + "4 held, 2 missing, 1 never to be had",
    ]
    assert [sign for sign, meaning in SIGNS.values() if f"{sign} {meaning}" not in out] == []
    assert max(map(len, shown)) <= 118
    assert "zoom" not in out
    assert "\x1b" not in out
    assert f"Loaded last on {february(9)}" in out


def test_no_two_signs_are_alike() -> None:
    assert len({sign for sign, _ in SIGNS.values()}) == len(SIGNS)


def test_what_expires_comes_with_the_run_that_fetches_it(cli: Cli, published: Path) -> None:
    near, far = TODAY - timedelta(days=20), TODAY - timedelta(days=85)
    soon = NOON + timedelta(days=2)
    expiring = [
        gap("webex", far, soon, "a", reason="404, tried 2 times"),
        gap("webex", far, soon + timedelta(hours=1), "b"),
        gap("webex", far + timedelta(days=2), soon, reason="outage 503"),
        gap("teams", near, soon + timedelta(days=1)),
    ]
    missed = gap("webex", near)
    young = gap("webex", TODAY, settles_at=NOON + timedelta(days=3))
    beyond = gap("webex", far - timedelta(days=20), NOON - timedelta(days=2), "c")
    write_marts(published, expiring=expiring, missing=[*expiring, missed, young, beyond], lost=[beyond])

    code, out, _ = cli()
    strict, _, _ = cli("--strict")
    told = json.loads(cli("--json")[1])

    assert (code, strict) == (0, 1)
    shown = [" ".join(line.split()) for line in out.splitlines()]
    assert f"webex {far} until {soon:%Y-%m-%d %H:%M} 2 meetings: 404, tried 2 times" in shown
    assert f"webex {far + timedelta(days=2)} until {soon:%Y-%m-%d %H:%M} 1 whole day: outage 503" in shown
    commands = [line.strip() for line in out.splitlines() if "attendance-pipeline run" in line]
    assert commands == [
        f"attendance-pipeline run --from {near} --to {near} --vendor teams",
        f"attendance-pipeline run --from {far} --to {far + timedelta(days=2)} --vendor webex",
        f"attendance-pipeline run --from {near} --to {near} --vendor webex",
    ]
    assert f"webex {far - timedelta(days=20)} since {NOON - timedelta(days=2):%Y-%m-%d %H:%M} 1 meeting" in shown
    assert str(TODAY) not in out.replace(f"Loaded last on {TODAY}", "")
    assert [gap["ended_date"] for gap in told["missing"]] == [
        str(d) for d in (far, far + timedelta(days=2), near, near)
    ]
    assert [(gap["vendor"], gap["meetings"], gap["is_whole_day"]) for gap in told["expiring"]] == [
        ("webex", 2, False),
        ("webex", 0, True),
        ("teams", 0, True),
    ]
    assert [gap["ended_date"] for gap in told["lost"]] == [str(far - timedelta(days=20))]


def test_dates_that_lists_no_longer_name_have_no_command(cli: Cli, published: Path) -> None:
    """`run` would refuse them."""
    write_marts(published, missing=[gap("zoom", TODAY - timedelta(days=300), meeting="u")])

    _, out, _ = cli()

    assert f"zoom   {TODAY - timedelta(days=300)}" in out
    assert "attendance-pipeline run" not in out


def test_dates_in_a_row_are_one_line_and_a_long_list_is_cut(cli: Cli, published: Path) -> None:
    every_other = [TODAY - timedelta(days=back) for back in range(10, 36, 2)]
    in_a_row = [TODAY - timedelta(days=back) for back in range(70, 75)]
    write_marts(
        published,
        missing=[
            *(gap("zoom", ended, NOON + timedelta(days=9)) for ended in every_other),
            *(gap("zoom", ended, NOON + timedelta(days=8), reason="never asked") for ended in in_a_row),
        ],
    )

    _, out, _ = cli()

    shown = [" ".join(line.split()) for line in out.splitlines()]
    until = f"until {NOON + timedelta(days=8):%Y-%m-%d %H:%M}"
    assert f"zoom {in_a_row[-1]} to {in_a_row[0]} {until} 5 whole days: never asked" in shown
    assert sum("1 whole day" in line for line in shown) == 9
    assert "and 4 dates more" in shown
    assert f"attendance-pipeline run --from {every_other[-1]} --to {every_other[0]} --vendor zoom" in shown


def test_nothing_missing_passes_strictly(cli: Cli, published: Path) -> None:
    write_marts(published, coverage_days=[day("zoom", TODAY)], lost=[gap("zoom", february(1))])

    code, out, _ = cli("--strict")

    assert code == 0
    assert "Nothing is missing that can be had." in out
    assert "Loaded last" not in out


def test_the_calendar_begins_three_months_back_or_at_the_start_date(
    cli: Cli, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_marts(published, coverage_days=[day("zoom", TODAY - timedelta(days=back)) for back in range(120)])

    told = json.loads(cli("--json")[1])
    monkeypatch.setenv("ATTENDANCE_START_DATE", str(TODAY - timedelta(days=3)))
    since_start = json.loads(cli("--json")[1])

    assert len(told["vendors"][0]["days"]) == 93
    assert len(since_start["vendors"][0]["days"]) == 4


@pytest.mark.parametrize(
    ("content", "arguments", "code", "words"),
    [
        (None, (), 2, ("nothing was published yet", "attendance-pipeline run", "demo")),
        (b"not a database", (), 1, ("can't read",)),
        ("of an older version", (), 2, ("had no calendar", "attendance-pipeline run")),
        ("hand-made", ("--from", "2026-02-02", "--to", "2026-02-01"), 2, ("lies after", "swap")),
        ("hand-made", ("--vendor", "skype"), 2, ("skype",)),
    ],
)
def test_what_cannot_be_shown_is_one_line_with_the_way_out(
    cli: Cli,
    published: Path,
    content: bytes | str | None,
    arguments: tuple[str, ...],
    code: int,
    words: tuple[str, ...],
) -> None:
    if isinstance(content, bytes):
        published.write_bytes(content)
    elif content == "of an older version":
        duckdb.connect(str(published)).close()
    elif content:
        write_marts(published)

    ended, out, err = cli(*arguments)

    assert (ended, out) == (code, "")
    assert len(err.splitlines()) == 1
    assert [word for word in words if word not in err] == []
