"""Two checks of the mart `coverage`: whether everything that can be held is, and whether something soon can't be.

They warn and never fail: what the marts hold is right, whatever they lack.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from attendance_pipeline.calendars import legend, lines
from attendance_pipeline.coverage import Coverage, Gap, Item, first_expiring, read_coverage
from attendance_pipeline.defs.pictures import picture
from attendance_pipeline.defs.warehouse import POOL
from attendance_pipeline.pictures import calendar
from attendance_pipeline.settings import Settings
from attendance_pipeline.warehouse import building

MART = dg.AssetKey(["marts", "coverage"])
ALSO_READ = [dg.AssetKey(["marts", name]) for name in ("coverage_days", "missing", "expiring", "lost")]

MOST_LISTED = 20


def coverage_checks() -> dg.AssetChecksDefinition:
    """Both checks, in one step after the models are built.

    A run that rebuilds the mart takes its checks along.
    """

    @dg.multi_asset_check(
        name="coverage_checks",
        specs=[
            dg.AssetCheckSpec(
                "coverage",
                asset=MART,
                additional_deps=ALSO_READ,
                description="Whatever settled and can be had is held, or the vendor has said its last word about it",
            ),
            dg.AssetCheckSpec(
                "expiring",
                asset=MART,
                additional_deps=ALSO_READ,
                description="Nothing that isn't held will be out of the vendors' reach within days",
            ),
        ],
        pool=POOL,
    )
    def checks() -> Iterator[dg.AssetCheckResult]:
        settings = Settings.load()
        with building(settings.build):
            coverage = read_coverage(settings.build)
            items = first_expiring(settings.build, MOST_LISTED)
        yield _result("coverage", coverage.missing, _held(coverage))
        yield _result("expiring", coverage.expiring, _expiring(coverage, items))

    return checks


def _result(name: str, gaps: Sequence[Gap], metadata: dict[str, Any]) -> dg.AssetCheckResult:
    way_out = f"{len(gaps)} dates lack something; attendance-pipeline coverage names the runs that fetch it"
    return dg.AssetCheckResult(
        check_name=name,
        asset_key=MART,
        passed=not gaps,
        severity=dg.AssetCheckSeverity.WARN,
        description=way_out if gaps else None,
        metadata=metadata,
    )


def _held(coverage: Coverage) -> dict[str, Any]:
    meetings = {
        vendor.vendor: dict(sum((Counter(day.meetings) for day in vendor.days), Counter()))
        for vendor in coverage.vendors
    }
    held, known = (sum(n.get("held", 0) for n in meetings.values()), sum(sum(n.values()) for n in meetings.values()))
    shown: dict[str, Any] = {
        "meetings_by_status": meetings,
        "days_by_status": {v.vendor: dict(Counter(day.status for day in v.days)) for v in coverage.vendors},
        "dates_missing": len(coverage.missing),
        "dates_lost": len(coverage.lost),
        "calendar": picture(calendar(coverage), "what is held of every ended date; see calendar_as_text"),
        "calendar_as_text": dg.MetadataValue.md(_calendar(coverage)),
    }
    if known:
        shown["share_held"] = round(held / known, 4)
    if coverage.missing:
        oldest = min(coverage.missing, key=lambda gap: (gap.ended_date, gap.vendor))
        shown["oldest_gap"] = f"{oldest.vendor} {oldest.ended_date}"
    return shown


def _calendar(coverage: Coverage) -> str:
    marks = {day.mark for vendor in coverage.vendors for day in vendor.days}
    parts = [*(lines(vendor) for vendor in coverage.vendors), legend(marks)]
    text = "\n\n".join("\n".join(part) for part in parts)
    return f"```\n{text}\n```"


def _expiring(coverage: Coverage, items: list[Item]) -> dict[str, Any]:
    vendors = sorted({gap.vendor for gap in coverage.expiring})
    shown: dict[str, Any] = {}
    for vendor in vendors:
        gaps = [gap for gap in coverage.expiring if gap.vendor == vendor]
        shown[f"{vendor}_meetings"] = sum(gap.meetings for gap in gaps)
        shown[f"{vendor}_whole_days"] = sum(gap.is_whole_day for gap in gaps)
    if items:
        rows = [
            f"| {item.vendor} | {item.ended_date} | {_cell(item.vendor_meeting_id or 'the whole day')} "
            f"| {_cell(item.reason or '')} | {item.recoverable_until:%Y-%m-%d %H:%M} |"
            for item in items
        ]
        head = "| vendor | ended date | meeting | reason | until (UTC) |\n|---|---|---|---|---|\n"
        shown |= {
            "first_date": min(gap.ended_date for gap in coverage.expiring).isoformat(),
            "until": items[0].recoverable_until.isoformat(),
            "next": dg.MetadataValue.md(head + "\n".join(rows)),
        }
    return shown


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
