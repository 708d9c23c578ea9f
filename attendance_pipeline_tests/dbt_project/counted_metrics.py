"""Each metric of the catalogue as plain Python counts it from a mart's rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from .counted.shape import percentile
from .raw_rows import Row

Number = float | int | None
Fold = Callable[[list[Row]], Number]

HOUR, MINUTE = 3600, 60


@dataclass(frozen=True)
class Dated:
    """The column of a mart by which its metrics are asked, and what else they are grouped by: MetricFlow's names."""

    column: str
    grain: str = "day"
    others: tuple[tuple[str, str], ...] = (("vendor", "vendor"),)


DATED = {
    "active_people": Dated("period_start"),
    "coverage_days": Dated("ended_date", others=(("vendor", "vendor"), ("coverage_day__status", "status"))),
    "daily_attendance": Dated("ended_date"),
    "daily_devices": Dated("ended_date", others=(("vendor", "vendor"), ("device_day__value", "value"))),
    "daily_domains": Dated(
        "ended_date",
        others=(("vendor", "vendor"), ("domain_day__email_domain", "email_domain"), ("domain_day__is_own", "is_own")),
    ),
    "daily_meeting_shape": Dated("ended_date", others=(("vendor", "vendor"), ("kind", "kind"))),
    "daily_reconciliation": Dated(
        "ended_date", others=(("vendor", "vendor"), ("reconciliation_day__measure", "measure"))
    ),
    "daily_time": Dated("activity_date"),
    "drop_off": Dated("month_start", "month", (("vendor", "vendor"), ("drop_off__at_minute", "minute"))),
    "host_months": Dated("month_start", "month", (("vendor", "vendor"), ("host_month__host_email", "host_email"))),
    "host_utilization": Dated("month_start", "month"),
    "hosts": Dated("last_hosted_date", others=(("vendor", "vendor"), ("host__is_on_roster", "is_on_roster"))),
    "hourly_load": Dated("hour_start", "hour"),
    "meetings": Dated("ended_date", others=(("vendor", "vendor"), ("kind", "kind"))),
    "person_days": Dated("activity_date"),
    "person_load": Dated("activity_date", others=()),
    "webinars": Dated("ended_date", others=(("vendor", "vendor"), ("kind", "kind"))),
}


def total(column: str, unit: int = 1, **only: Hashable) -> Fold:
    """Of the rows with these values."""

    def fold(rows: list[Row]) -> Number:
        values = [row[column] for row in rows if is_of(row, only) and row[column] is not None]
        return math.fsum(values) / unit if values else None

    return fold


def share(part: Fold, whole: Fold) -> Fold:
    def fold(rows: list[Row]) -> Number:
        numerator, denominator = part(rows), whole(rows)
        return None if numerator is None or not denominator else numerator / denominator

    return fold


def highest(column: str, unit: int = 1, **only: Hashable) -> Fold:
    def fold(rows: list[Row]) -> Number:
        found = max((row[column] for row in rows if is_of(row, only)), default=None)
        return None if found is None else found / unit

    return fold


def count(**only: Hashable) -> Fold:
    return lambda rows: sum(is_of(row, only) for row in rows) or None


def true(column: str) -> Fold:
    return lambda rows: sum(row[column] for row in rows)


def people(column: str) -> Fold:
    """Distinct ones with any."""
    return lambda rows: len({row["person"] for row in rows if row[column] > 0})


def middle(column: str, at: float, unit: int = 1) -> Fold:
    return lambda rows: (percentile([row[column] for row in rows], at) or 0) / unit


def average(column: str, unit: int = 1) -> Fold:
    return lambda rows: math.fsum(row[column] for row in rows) / len(rows) / unit


def is_of(row: Row, only: dict[str, Hashable]) -> bool:
    return all(row[name] == value for name, value in only.items())


def both_told(column: str) -> Fold:
    """Of the webinars whose registrations and registrants are known."""
    told = ("registrations", "registrants_attended")
    return lambda rows: total(column)([row for row in rows if all(row[name] is not None for name in told)])


def of_day(row: Row) -> bool:
    return bool(row["status"] == "complete" and not row["missing"])


ALL_TIME = total("attended_seconds", HOUR)
ATTENDEES = total("attendees")
MEETINGS = total("meetings")
MONTH = {"period": "month"}
NEW = {"period": "day", "vendor": "all"}
AUDIO, DEVICE = {"property": "audio"}, {"property": "device"}


def known_joins(**only: Hashable) -> Fold:
    def fold(rows: list[Row]) -> Number:
        of_property = [row for row in rows if is_of(row, only)]
        return sum(row["joins"] for row in of_property if row["value"] is not None) if of_property else None

    return fold


COUNTED: dict[str, dict[str, Fold]] = {
    "daily_time": {
        "meeting_hours": total("meeting_seconds", HOUR),
        "attended_hours": total("attended_seconds", HOUR),
        "device_hours": total("device_seconds", HOUR),
        "active_hours": total("active_seconds", HOUR),
    },
    "daily_meeting_shape": {
        **{
            name: total(name)
            for name in (
                *["meetings", "logical_meetings", "host_drops", "empty_meetings", "single_attendee_meetings"],
                *["host_only_meetings", "large_meetings", "long_meetings", "recurring_meetings"],
            )
        },
        "single_attendee_share": share(total("single_attendee_meetings"), MEETINGS),
        "recurring_share": share(total("recurring_meetings"), MEETINGS),
    },
    "meetings": {
        "average_attendees": average("attendee_count"),
        "median_attendees": middle("attendee_count", 0.5),
        "p90_attendees": middle("attendee_count", 0.9),
        "average_meeting_minutes": average("duration_seconds", MINUTE),
        "median_meeting_minutes": middle("duration_seconds", 0.5, MINUTE),
        "p90_meeting_minutes": middle("duration_seconds", 0.9, MINUTE),
    },
    "person_days": {
        "active_attendees": people("meetings_attended"),
        "active_hosts": people("meetings_hosted"),
    },
    "active_people": {
        "daily_active_attendees": highest("active_attendees", period="day"),
        "weekly_active_attendees": highest("active_attendees", period="week"),
        "monthly_active_attendees": highest("active_attendees", **MONTH),
        "daily_active_hosts": highest("active_hosts", period="day"),
        "weekly_active_hosts": highest("active_hosts", period="week"),
        "monthly_active_hosts": highest("active_hosts", **MONTH),
        "new_attendees": total("new_attendees", **NEW),
        "new_hosts": total("new_hosts", **NEW),
        "returning_attendees": highest("returning_attendees", **MONTH),
        "returning_hosts": highest("returning_hosts", **MONTH),
        "average_daily_attendees": highest("average_daily_attendees", **MONTH),
        "average_daily_hosts": highest("average_daily_hosts", **MONTH),
        "attendee_stickiness": share(
            highest("average_daily_attendees", **MONTH), highest("active_attendees", **MONTH)
        ),
        "host_stickiness": share(highest("average_daily_hosts", **MONTH), highest("active_hosts", **MONTH)),
    },
    "hourly_load": {
        name: highest(name)
        for name in (
            *["peak_concurrent_meetings", "p95_concurrent_meetings"],
            *["peak_concurrent_attendees", "p95_concurrent_attendees"],
        )
    },
    "hosts": {
        "hosts": count(),
        "idle_hosts_30_days": true("is_idle_30_days"),
        "idle_hosts_60_days": true("is_idle_60_days"),
        "idle_hosts_90_days": true("is_idle_90_days"),
        "idle_host_share": share(true("is_idle_90_days"), count()),
    },
    "host_months": {
        "hosted_meetings": MEETINGS,
        "hosted_hours": total("hosted_seconds", HOUR),
    },
    "host_utilization": {
        "hosts_in_use": total("active_hosts"),
        "known_hosts": total("known_hosts"),
        "host_utilization": share(total("active_hosts"), total("known_hosts")),
    },
    "daily_attendance": {
        "attendees": ATTENDEES,
        "late_attendees": total("late_attendees"),
        "late_share": share(total("late_attendees"), ATTENDEES),
        "late_minutes": total("late_seconds", MINUTE),
        "average_late_minutes": share(total("late_seconds", MINUTE), ATTENDEES),
        "left_early_attendees": total("left_early_attendees"),
        "left_early_share": share(total("left_early_attendees"), ATTENDEES),
        "left_early_minutes": total("left_early_seconds", MINUTE),
        "average_left_early_minutes": share(total("left_early_seconds", MINUTE), ATTENDEES),
        "on_time_full_attendees": total("on_time_full_attendees"),
        "on_time_full_share": share(total("on_time_full_attendees"), ATTENDEES),
        "attendance_ratio_sum": total("attendance_ratio_sum"),
        "ratio_attendees": total("ratio_attendees"),
        "attendance_ratio": share(total("attendance_ratio_sum"), total("ratio_attendees")),
        "scheduled_ratio_sum": total("scheduled_ratio_sum"),
        "scheduled_ratio_attendees": total("scheduled_ratio_attendees"),
        "scheduled_attendance_ratio": share(total("scheduled_ratio_sum"), total("scheduled_ratio_attendees")),
        "host_ratio_sum": total("host_ratio_sum"),
        "host_ratio_attendees": total("host_ratio_attendees"),
        "host_attendance_ratio": share(total("host_ratio_sum"), total("host_ratio_attendees")),
        "meeting_attended_hours": ALL_TIME,
        "identified_hours": total("identified_attended_seconds", HOUR),
        "identified_time_share": share(total("identified_attended_seconds", HOUR), ALL_TIME),
        "external_time_share": share(total("external_attended_seconds", HOUR), ALL_TIME),
        **{f"{who}_attendees": total(f"{who}_attendees") for who in ("internal", "external", "unknown")},
        **{
            f"{who}_share": share(total(f"{who}_attendees"), ATTENDEES) for who in ("internal", "external", "unknown")
        },
        **{f"{who}_hours": total(f"{who}_attended_seconds", HOUR) for who in ("internal", "external", "unknown")},
    },
    "drop_off": {
        "reached_attendees": ATTENDEES,
        "present_attendees": total("present_attendees"),
        "present_share": share(total("present_attendees"), ATTENDEES),
    },
    "person_load": {
        "joined_meetings": total("meetings_joined"),
        "person_dates": count(),
        "meetings_per_person_and_date": share(total("meetings_joined"), count()),
        "back_to_back_meetings": total("back_to_back_meetings"),
        "back_to_back_share": share(total("back_to_back_meetings"), total("meetings_joined")),
        "overlapping_meetings": total("overlapping_meetings"),
        "person_attended_hours": ALL_TIME,
        "double_booked_hours": total("double_booked_seconds", HOUR),
        "double_booked_share": share(total("double_booked_seconds", HOUR), ALL_TIME),
        "longest_stretch_hours": highest("longest_stretch_seconds", HOUR),
    },
    "daily_domains": {
        "domain_attendees": ATTENDEES,
        "domain_hours": ALL_TIME,
    },
    "daily_devices": {
        "device_joins": total("joins", **DEVICE),
        "client_joins": total("joins", property="client"),
        "audio_joins": total("joins", **AUDIO),
        "phone_joins": total("joins", value="pstn", **AUDIO),
        "known_audio_joins": known_joins(**AUDIO),
        "known_device_joins": known_joins(**DEVICE),
        "phone_share": share(total("joins", value="pstn", **AUDIO), known_joins(**AUDIO)),
        "known_device_share": share(known_joins(**DEVICE), total("joins", **DEVICE)),
    },
    "webinars": {
        "webinars": count(),
        "registrations": total("registrations"),
        "registrants_attended": total("registrants_attended"),
        "walk_ins": total("walk_ins"),
        "told_registrants": both_told("registrants_attended"),
        "told_registrations": both_told("registrations"),
        "attendance_rate": share(both_told("registrants_attended"), both_told("registrations")),
        "webinar_attendees": ATTENDEES,
        "stayed_attendees": total("stayed_attendees"),
        "stayed_share_of_attendees": share(total("stayed_attendees"), ATTENDEES),
        "told_registrants_stayed": both_told("registrants_stayed"),
        "stayed_share_of_registrations": share(both_told("registrants_stayed"), both_told("registrations")),
    },
    "daily_reconciliation": {
        "compared_numbers": MEETINGS,
        "differing_numbers": total("differing_meetings"),
        "differing_share": share(total("differing_meetings"), MEETINGS),
        "unexplained_numbers": total("unexplained_meetings"),
        "unexplained_share": share(total("unexplained_meetings"), MEETINGS),
    },
    "coverage_days": {
        "listed_meetings": MEETINGS,
        "held_meetings": total("held"),
        "missing_meetings": total("missing"),
        "coverage_share": share(total("held"), MEETINGS),
        "wanted_days": count(),
        "covered_days": lambda rows: sum(map(of_day, rows)),
        "covered_days_share": share(lambda rows: sum(map(of_day, rows)), count()),
    },
}

METRICS = {metric: mart for mart, folds in COUNTED.items() for metric in folds}

# whose rows of vendor 'all' are what is asked for without a vendor
OVER_ALL_VENDORS = {"active_people", "hourly_load"}
