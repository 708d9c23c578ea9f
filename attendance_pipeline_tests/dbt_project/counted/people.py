"""What makes a person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable

from attendance_pipeline_tests.dbt_project.facts import Facts, people_of
from attendance_pipeline_tests.dbt_project.raw_rows import Row

Key = tuple[Hashable, ...]


def person_identities(facts: Facts) -> dict[Key, Row]:
    seen: dict[Key, set[str]] = defaultdict(set)
    tokens: dict[Key, str] = {}
    for meeting in facts.meetings.values():
        person = {join: attendee.person for attendee in meeting.attendees for join in attendee.joins}
        for join in meeting.intervals:
            if join.key not in person:
                continue
            for kind, token in (("email", f"email:{join.email}"), ("account", join.account or "")):
                if getattr(join, kind):
                    key = person[join.key], meeting.vendor, kind, token.partition(":")[2]
                    seen[key].add(meeting.key)
                    tokens[key] = token

    evidence = _evidence(facts)
    rows: dict[Key, Row] = {}
    for key, meetings in seen.items():
        dates = [facts.meetings[meeting].ended_at.date() for meeting in meetings]
        rows[key] = {
            "evidence": evidence[tokens[key]],
            "first_seen_date": min(dates),
            "last_seen_date": max(dates),
            "meetings": len(meetings),
        }
    return rows


def _evidence(facts: Facts) -> dict[str, str]:
    """The best that leads to what a person's key is made of, the first of what says who they are."""
    on_one_join = [
        {f"email:{join.email}", join.account}
        for meeting in facts.meetings.values()
        for join in meeting.intervals
        if join.email and join.account
    ]
    links = {"same account": on_one_join, "same attendee": facts.carried, "alias file": [*facts.aliases]}
    found = {min(person): "own" for person in facts.people.values()}
    linked: list[Iterable[str]] = []
    for evidence, further in links.items():
        linked += further
        for token, together in people_of(linked).items():
            if min(facts.people[token]) in together:
                found.setdefault(token, evidence)
    return found
