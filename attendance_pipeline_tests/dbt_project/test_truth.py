"""From the answers of three vendors to every mart, beside what their made-up organisation knows of itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from attendance_pipeline.archive import Archive
from attendance_pipeline.lake import Lake
from attendance_pipeline.landing import land_attendance, land_meetings
from attendance_pipeline.loading import Told, Wanted, load
from attendance_pipeline.sandbox import Sandbox, TeamsOptions, WebexOptions, ZoomOptions
from attendance_pipeline.sandbox.organisation import Organisation
from attendance_pipeline.vendors import VENDORS
from attendance_pipeline.warehouse import finish_build
from attendance_pipeline.windows import dates
from attendance_pipeline_tests.vendors.account import at_full_speed, settings
from attendance_pipeline_tests.vendors.teams_account import unpaced

from .conftest import Dbt, assert_same_rows, by_grain, read_rows
from .counted import adoption, behavior, people, reach, shape, webinars
from .counted import load as loads
from .facts import Facts
from .random_times import TIME_ZONE
from .raw_rows import Row
from .telling import key_of
from .truth_facts import TruthFacts

# every awkward case of the sandbox, and the Saturday (UTC) on which the clocks of TIME_ZONE go back
FIRST, LAST = date(2026, 3, 23), date(2026, 4, 5)
LATE = {*dates(FIRST, LAST)[:10]}
TURNED = datetime(2026, 4, 4, 15)  # noqa: DTZ001
NOW = datetime(2026, 4, 9, 15, tzinfo=UTC)
# of its meetings, one runs while clocks are turned, three vendors hold webinars, and Teams holds every kind
SEED = 531

COUNTED: dict[str, tuple[tuple[str, ...], Callable[[Facts], dict[tuple[Hashable, ...], Row]]]] = {
    "person_days": (("person", "vendor", "activity_date"), adoption.person_days),
    "active_people": (("period", "period_start", "vendor"), adoption.active_people),
    "person_identities": (("person", "vendor", "kind", "identity"), people.person_identities),
    "daily_domains": (("ended_date", "vendor", "email_domain"), reach.daily_domains),
    "daily_devices": (("ended_date", "vendor", "property", "value"), reach.daily_devices),
    "daily_time": (("activity_date", "vendor"), loads.daily_time),
    "hourly_load": (("hour_start", "vendor"), loads.hourly_load),
    "hosts": (("vendor", "host_email"), loads.hosts),
    "host_months": (("month_start", "vendor", "host_email"), loads.host_months),
    "host_utilization": (("month_start", "vendor"), loads.host_utilization),
    "daily_attendance": (("ended_date", "vendor"), behavior.daily_attendance),
    "drop_off": (("month_start", "vendor", "minute"), behavior.drop_off),
    "heat_map": (("month_start", "vendor", "weekday", "hour"), lambda facts: behavior.heat_map(facts, TIME_ZONE)),
    "person_load": (("person", "activity_date"), behavior.person_load),
    "logical_meetings": (("logical_meeting_key",), shape.logical_meetings),
    "series": (("vendor", "series_id"), shape.series),
    "series_occurrences": (("logical_meeting_key",), shape.series_occurrences),
    "daily_meeting_shape": (("ended_date", "vendor", "kind"), shape.daily_meeting_shape),
    "meeting_distribution": (
        ("ended_date", "vendor", "kind", "size_band", "duration_band"),
        shape.meeting_distribution,
    ),
}


@dataclass
class Landed:
    """The build file of what landed, and the truth about it."""

    build: Path
    truth: TruthFacts
    totals: dict[str, int]
    """What the sandbox itself says of it."""

    @property
    def facts(self) -> Facts:
        return self.truth.facts

    def rows(self, query: str) -> list[Row]:
        return read_rows(self.build, query)


@pytest.fixture(scope="module")
def landed(dbt: Dbt, tmp_path_factory: pytest.TempPathFactory) -> Landed:
    folder = tmp_path_factory.mktemp("landed")
    zoom = ZoomOptions(plan="business", rate_limits=False)
    webex, teams = WebexOptions(rate_limits=False), TeamsOptions(rate_limits=False)
    mix = {"zoom": 1, "webex": 1, "teams": 1}
    sandbox = Sandbox(seed=SEED, size="small", clock=lambda: NOW, mix=mix, zoom=zoom, webex=webex, teams=teams)
    told = told_of(sandbox.organisation)
    with at_full_speed(), unpaced(), sandbox:
        landing = settings(folder, sandbox.settings)
        lake, days = Lake(landing.lake), dates(FIRST, LAST)
        for name, vendor in VENDORS.items():
            land_meetings(vendor(landing, Archive(landing.lake, name), sandbox.now), lake, days)
            land_attendance(vendor(landing, Archive(landing.lake, name), sandbox.now), lake, days)
        truth, totals = TruthFacts(sandbox, FIRST, LAST, told), sandbox.truth(FIRST, LAST).totals()
    tables = [table for one in VENDORS.values() for table in (*one.listing_tables, *one.attendance_tables)]
    wanted = [Wanted(name, True, FIRST, NOW.date(), vendor.timing) for name, vendor in VENDORS.items()]
    dbt.build.unlink(missing_ok=True)
    with without(lake, LATE, folder):
        load(lake, dbt.build, tables, wanted, told)
        dbt("run")
        finish_build(dbt.build, "the same")
    with duckdb.connect(str(dbt.build)) as connection:
        connection.execute("update marts.meetings set title = 'as it was'")
        connection.execute("update marts.daily_utilization set hosts = 1000")
    load(lake, dbt.build, tables, wanted, told)
    dbt("run")
    return Landed(dbt.build.rename(folder / "landed.duckdb"), truth, totals)


@contextmanager
def without(lake: Lake, late: Collection[date], aside: Path) -> Iterator[None]:
    """Partitions of these dates are landed only afterwards."""
    folders = [folder for day in late for folder in (lake.root / "tables").glob(f"*/*/ended_date={day}")]
    places = {folder: aside / f"late-{number}" for number, folder in enumerate(folders)}
    for folder, place in places.items():
        folder.rename(place)
    yield
    for folder, place in places.items():
        place.rename(folder)


def told_of(organisation: Organisation) -> Told:
    """At Zoom all who work there may host; two who do are one."""
    one, other, *_ = (person.email for person in organisation.active)
    return Told(aliases=[(other, one)], roster=[("zoom", person.email) for person in organisation.active])


@pytest.fixture(scope="module")
def person_of(landed: Landed) -> dict[str, Hashable]:
    """Who each key of a person means; of whom nothing tells who they are, when they came and went tells it."""
    facts = landed.facts
    unknown = [one for meeting in facts.meetings.values() for one in meeting.attendees if not one.is_identified]
    known = sorted(
        ((one.meeting, one.first_joined_at, one.last_left_at, one.join_count, len(one.seconds)), one.joins)
        for one in unknown
    )
    built = landed.rows("select * from marts.attendees where person_key = attendee_key")
    columns = ("meeting_key", "first_joined_at", "last_left_at", "join_count", "attended_seconds")
    seen = sorted((tuple(row[name] for name in columns), row["attendee_key"]) for row in built)
    assert [when for when, _ in seen] == [when for when, _ in known]
    keys = {key: joins for (_, key), (_, joins) in zip(seen, known, strict=True)}
    return {**keys, **{key_of(token): person for token, person in facts.people.items()}}


def with_people(rows: list[Row], person_of: dict[str, Hashable]) -> list[Row]:
    """The rows with people for the keys of people."""
    for row in rows:
        for name in row.keys() & {"person_key", "host_person_key"}:
            row[name.removesuffix("_key")] = person_of[row.pop(name)]
    return rows


def test_ten_late_days_change_them_and_what_depends_on_them(landed: Landed) -> None:
    """That the marts are right after them, too, is what the other tests say."""
    meetings = landed.rows("select ended_date, title = 'as it was' as stands from marts.meetings")
    days = landed.rows("select ended_date, hosts = 1000 as stands from marts.daily_utilization")

    assert {row["ended_date"] for row in meetings if row["stands"]} == {*dates(FIRST, LAST)} - LATE
    assert {row["ended_date"] for row in meetings if not row["stands"]} == LATE
    standing = {row["ended_date"] for row in days if row["stands"]}
    assert standing
    assert not standing & LATE


@pytest.mark.parametrize("mart", COUNTED)
def test_a_mart_is_what_the_organisation_knows(mart: str, landed: Landed, person_of: dict[str, Hashable]) -> None:
    grain, counted = COUNTED[mart]
    built = with_people(landed.rows(f"select * from marts.{mart}"), person_of)  # noqa: S608

    assert_same_rows(by_grain(built, *grain), counted(landed.facts))


def test_webinars_are_what_the_organisation_knows(landed: Landed) -> None:
    built = landed.rows("select * from marts.webinars")
    registered = landed.truth.registered()

    assert_same_rows(by_grain(built, "meeting_key"), webinars.webinars(landed.facts, registered))
    assert {row["vendor"] for row in built if row["registrants_attended"]} == {"zoom", "webex", "teams"}
    assert {row["vendor"] for row in built if row["attendance_rate"]} == {"webex", "teams"}


def test_what_vendors_count_is_what_we_count(landed: Landed) -> None:
    built = landed.rows("select * from marts.reconciliation")

    assert {row["reason"] for row in built} == {None, "rounding", "one person in several records"}
    assert len(built) > 2 * len(landed.facts.meetings)


def test_the_facts_are_those_of_the_truth(landed: Landed) -> None:
    held = landed.facts.meetings.values()

    assert {
        "meetings": len(held),
        "intervals": sum(len(meeting.intervals) for meeting in held),
        "attendees": sum(len(meeting.attendees) for meeting in held),
        "attended_seconds": sum(len(one.seconds) for meeting in held for one in meeting.attendees),
        "device_seconds": sum(one.device_seconds for meeting in held for one in meeting.attendees),
    } == {name: total for name, total in landed.totals.items() if name != "active_seconds"}


def test_the_organisation_has_the_awkward_cases(landed: Landed) -> None:
    held = landed.facts.meetings.values()

    assert {(meeting.vendor, meeting.kind) for meeting in held} >= {
        *(("zoom", "webinar"), ("webex", "webinar")),
        *(("teams", kind) for kind in ("meeting", "webinar", "town_hall", "live_event")),
    }
    assert any(meeting.started_at < TURNED < meeting.ended_at for meeting in held)
    assert any((meeting.ended_at - meeting.started_at).days for meeting in held)
    [awkward] = landed.rows(
        "select max(host_drops) as drops, max(large_meetings) as large, max(long_meetings) as long, "
        "max(single_attendee_meetings) as single, max(recurring_meetings) as recurring from marts.daily_meeting_shape"
    )
    assert min(awkward.values()) > 0
    [load] = landed.rows(
        "select max(overlapping_meetings) as overlapping, max(double_booked_seconds) as double_booked "
        "from marts.person_load"
    )
    assert min(load.values()) > 0
