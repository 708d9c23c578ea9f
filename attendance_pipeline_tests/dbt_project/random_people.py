"""Who hosts, who has a licence to, and who an analyst says is one person."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta

from .random_times import AS_OF
from .raw_rows import RawRows, Row

HOSTS = [
    *["Host1@Own.example"] * 3,
    *["host2@own.example"] * 2,
    *["host3@sister.example", "host4@own.example", " host5@own.example ", "who6@own.example", ""],
]
# hosted in former years alone
FORMER_HOSTS = ["host7@own.example", "Host8@own.example", "who33@sister.example"]
# just within, just as long ago as and just beyond 30, 60 and 90 days before the rows are loaded
SINGLE_DAYS = {AS_OF - timedelta(days=days + more) for days in (30, 60, 90) for more in (-1, 0, 1)}


def host_of(chance: random.Random, started_at: datetime) -> str:
    """Of two days nobody knows who hosted."""
    if started_at.date() in {date(2026, 3, 3), date(2026, 3, 4)}:
        return ""
    if started_at.date() in SINGLE_DAYS and chance.random() < 0.7:
        return f"only.on.{started_at:%m-%d}@own.example"
    return chance.choice(FORMER_HOSTS if started_at.date() < date(2026, 1, 1) else HOSTS)


def add_people(rows: RawRows, teams_account: str) -> None:
    """Of Webex nobody says who has a licence; aliases are told twice, in a circle, and of people nobody ever met."""
    rows.roster = [
        *({"vendor": "zoom", "host_email": f"host{number}@own.example"} for number in (1, 2, 7, 9)),
        *({"vendor": "teams", "host_email": f"host{number}@own.example"} for number in (5, 9)),
    ]
    rows.aliases = [
        _alias("who21@own.example", "who23@elsewhere.example"),
        _alias("who23@elsewhere.example", "who21@own.example"),
        _alias("who21@own.example", "who23@elsewhere.example"),
        _alias("who25@own.example", "who25@own.example"),
        _alias("zoom:account-27", "who28@elsewhere.example"),
        _alias(f"teams:{teams_account}", "zoom:account-29"),
        _alias("who31@own.example", "never.met@own.example"),
        _alias("zoom:never-met", "never.met@own.example"),
        _alias("zoom:never-met", "who34@own.example"),
        _alias("nobody@own.example", "no.one@own.example"),
        _alias("host7@own.example", "who37@own.example"),
        _alias("host4@own.example", "aaa.never.met@own.example"),
    ]


def _alias(identity: str, same_as: str) -> Row:
    return {"identity": identity, "same_as": same_as}
