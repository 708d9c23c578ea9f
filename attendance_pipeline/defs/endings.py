"""What finished runs say of troubles: which steps failed and why, which went well, whose format has changed.

Reads Dagster's records since the last look, the oldest first. Nothing is told here.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
from dagster import DagsterEventType as Event
from dagster._core.events import JobFailureData
from dagster._core.storage.tags import PARTITION_NAME_TAG, WILL_RETRY_TAG

from attendance_pipeline.alerts import Alert, Kind, Troubles
from attendance_pipeline.defs.failures import ERROR
from attendance_pipeline.defs.schedules import RANGE_END, RANGE_START
from attendance_pipeline.errors import SchemaDriftError
from attendance_pipeline.http.errors import OutageError, RefusedError, VendorError
from attendance_pipeline.masking import shown_name
from attendance_pipeline.vendors import VENDORS
from attendance_pipeline.windows import Window

LOOK_BACK = timedelta(days=1)
"""Runs that ended before are not news, whenever alerts are turned on."""

MOST = 500
"""Endings that are read at a time."""

DECIDED = timedelta(minutes=1)
"""Dagster notes on a failed run whether it will be tried again; a run without that note by then won't be."""

SCHEMA_CHECK = "schema"

ASKING = {error.__name__ for error in VendorError.__subclasses__()}
"""Errors that only a run which asks the vendor can prove to be over."""

KINDS: dict[str, tuple[Kind, str]] = {
    RefusedError.__name__: ("credentials", "{vendor} refuses the credentials"),
    SchemaDriftError.__name__: ("schema_drift", "{vendor} has changed its format"),
}

WORDS = {
    "DagsterDbtCliRuntimeError": "dbt couldn't build or test the marts; the published file stays as it was",
    "DagsterAssetCheckFailedError": "a blocking check failed; what follows it wasn't run",
}
"""What errors mean that have no line for a user."""

LONGEST_REASON = 600


class Endings:
    """The runs that have ended.

    Args:
        instance: that recorded them.
        location: the name of our code location, where others may share the instance.
        dagster_url: where the UI is, for links.
        read: up to which record each kind of ending was looked at; moves on.
    """

    def __init__(self, instance: dg.DagsterInstance, location: str | None, dagster_url: str, read: dict[str, int]):
        self.read = read
        self._instance = instance
        self._location = location
        self._url = dagster_url

    def look(self, troubles: Troubles, now: datetime) -> Iterator[str]:
        """Take every ending since the last look into the troubles; what couldn't be read of it is yielded."""
        for record in self._since_last_look(now):
            ending = record.event_log_entry.get_dagster_event()
            at = datetime.fromtimestamp(record.event_log_entry.timestamp, UTC)
            run = self._instance.get_run_by_id(record.event_log_entry.run_id)
            if run and self._is_ours(run):
                if ending.event_type is Event.RUN_FAILURE and self._is_undecided(run, now - at):
                    return
                try:
                    self._take(troubles, run, ending, at)
                except Exception as error:  # one run must not hide the others
                    yield f"run {run.run_id} can't be read ({type(error).__name__})"
                    if ending.event_type is Event.RUN_FAILURE:
                        alert = self._of_job(run, "its records can't be read", None)
                        troubles.failed(alert, at, run.job_name, None)
            self.read[ending.event_type_value] = record.storage_id

    def _since_last_look(self, now: datetime) -> list[dg.EventLogRecord]:
        found: list[dg.EventLogRecord] = []
        for kind in (Event.RUN_FAILURE, Event.RUN_SUCCESS):
            wanted = dg.RunStatusChangeRecordsFilter(
                kind, after_storage_id=self.read.get(kind.value), after_timestamp=(now - LOOK_BACK).timestamp()
            )
            found += self._instance.fetch_run_status_changes(wanted, limit=MOST, ascending=True).records
        return sorted(found, key=lambda record: record.storage_id)[:MOST]

    def _is_ours(self, run: dg.DagsterRun) -> bool:
        origin = run.remote_job_origin
        location = origin.repository_origin.code_location_origin.location_name if origin else None
        return None in (location, self._location) or location == self._location

    def _is_undecided(self, run: dg.DagsterRun, age: timedelta) -> bool:
        return self._instance.run_retries_enabled and WILL_RETRY_TAG not in run.tags and age < DECIDED

    def _take(self, troubles: Troubles, run: dg.DagsterRun, ending: dg.DagsterEvent, at: datetime) -> None:
        dates = _dates(run)
        wanted = {Event.STEP_SUCCESS, Event.STEP_FAILURE, Event.ASSET_CHECK_EVALUATION}
        records = self._instance.get_records_for_run(run.run_id, of_type=wanted).records
        events = [record.event_log_entry.get_dagster_event() for record in records]
        for event in events:
            if event.event_type is Event.STEP_SUCCESS:
                step = str(event.step_key)
                troubles.succeeded(step, dates)
                if _asked(run, step):
                    troubles.succeeded(_asking(step), dates)
            elif event.event_type is Event.ASSET_CHECK_EVALUATION:
                self._take_check(troubles, run, event.asset_check_evaluation_data, at, dates)
        if ending.event_type is Event.RUN_SUCCESS:
            troubles.succeeded(run.job_name, dates)
        elif run.tags.get(WILL_RETRY_TAG) != "true":
            steps = [event for event in events if event.event_type is Event.STEP_FAILURE]
            for event in steps:
                self._take_failure(troubles, run, event, at, dates)
            if not steps:
                alert = self._of_job(run, _reason_of_run(ending), dates)
                troubles.failed(alert, at, run.job_name, dates)

    def _take_failure(
        self, troubles: Troubles, run: dg.DagsterRun, event: dg.DagsterEvent, at: datetime, dates: Window | None
    ) -> None:
        step = str(event.step_key)
        error, reason = _error_and_reason(event)
        vendor = next((name for name in VENDORS if step.startswith(f"{name}_")), "")
        kind, title = KINDS.get(error, ("run_failure", "{step} failed"))
        title = _at(title.format(vendor=vendor, step=step), _where(run))
        # a vendor that is down fails now here, now there
        why = error if error == OutageError.__name__ else _sort(reason)
        alert = Alert(kind, f"{step} {why}", title, reason, self._link(run))
        troubles.failed(alert, at, _asking(step) if error in ASKING else step, dates)

    def _take_check(
        self,
        troubles: Troubles,
        run: dg.DagsterRun,
        check: dg.AssetCheckEvaluation,
        at: datetime,
        dates: Window | None,
    ) -> None:
        if check.check_name != SCHEMA_CHECK or check.asset_key.path[0] not in VENDORS:
            return
        vendor, table = check.asset_key.path
        work = f"{vendor}/{table}: {SCHEMA_CHECK}"
        if check.passed:
            troubles.succeeded(work, dates)
            return
        told = {name: value.value for name, value in check.metadata.items()}
        unknown = sorted({shown_name(str(name)) for name in _listed(told.get("unknown_fields"))})
        other = sorted({str(rule) for rule in _listed(told.get("rows_of_another_format"))})
        if not unknown and not other:
            return  # nothing landed, so nothing is known
        said = {"fields that nobody knows": unknown, "rows of another format": other}
        text = "; ".join(f"{what}: {', '.join(names)}" for what, names in said.items() if names)
        title = _at(f"{vendor} has changed the format of {table}", _where(run))
        alert = Alert("schema_drift", f"{vendor}/{table}", title, text, self._link(run), frozenset(unknown + other))
        troubles.failed(alert, at, work, dates)

    def _of_job(self, run: dg.DagsterRun, reason: str, dates: Window | None) -> Alert:
        name = "A run of chosen assets" if run.job_name.startswith("__") else run.job_name
        about = f"{run.job_name} {_sort(reason)}"
        return Alert("run_failure", about, _at(f"{name} failed", _span(dates)), reason, self._link(run))

    def _link(self, run: dg.DagsterRun) -> str:
        return f"{self._url}/runs/{run.run_id}"


def _at(title: str, where: str) -> str:
    return f"{title} ({where})" if where else title


def _dates(run: dg.DagsterRun) -> Window | None:
    one = run.tags.get(PARTITION_NAME_TAG)
    first, last = run.tags.get(RANGE_START, one), run.tags.get(RANGE_END, one)
    return Window(date.fromisoformat(first), date.fromisoformat(last)) if first and last else None


def _where(run: dg.DagsterRun) -> str:
    """The job, unless it is Dagster's own for chosen assets, and the ended dates."""
    job = "" if run.job_name.startswith("__") else f"job {run.job_name}"
    return ", ".join(part for part in (job, _span(_dates(run))) if part)


def _span(dates: Window | None) -> str:
    if dates is None:
        return ""
    return f"ended dates {dates.first} to {dates.last}" if dates.first < dates.last else f"ended date {dates.first}"


def _asked(run: dg.DagsterRun, step: str) -> bool:
    config: Any = run.run_config
    return bool(config.get("ops", {}).get(step, {}).get("config", {}).get("ask", True))


def _asking(step: str) -> str:
    return f"{step}, asking"


def _error_and_reason(event: dg.DagsterEvent) -> tuple[str, str]:
    """The class that a step failed with, and one line about it: our own, or else no more than the class.

    A failure that isn't ours has a description too: dbt's is its output, which may show rows.
    """
    data = event.step_failure_data
    told = data.user_failure_data
    if told and told.description and (error := told.metadata.get(ERROR)):
        return str(error.value), _one_line(told.description)
    name = (data.error and (data.error.cause or data.error).cls_name) or "an unknown error"
    return name, WORDS.get(name, f"{name}; the run tells the whole of it")


def _reason_of_run(ending: dg.DagsterEvent) -> str:
    data = ending.event_specific_data
    if isinstance(data, JobFailureData) and data.error:
        return f"{(data.error.cause or data.error).cls_name}; the run tells the whole of it"
    return _one_line(ending.message or "it ended without saying why")


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_REASON else f"{line[:LONGEST_REASON]}…"


def _sort(reason: str) -> str:
    """The reason without what differs from hour to hour: dates, counts, ids."""
    return " ".join("#" if any(map(str.isdigit, word)) else word for word in reason.split())


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, dict)) else []
