from __future__ import annotations

from collections.abc import Hashable

from .conftest import Rows, assert_same_rows, by_grain
from .counted import people
from .facts import Facts


def test_identities_equal_the_count(rows: Rows, facts: Facts, person_of: dict[str, Hashable]) -> None:
    built = [
        row | {"person": person_of[row.pop("person_key")]} for row in rows("select * from marts.person_identities")
    ]

    assert_same_rows(by_grain(built, "person", "vendor", "kind", "identity"), people.person_identities(facts))
    assert {row["evidence"] for row in built} == {"own", "same account", "same attendee", "alias file"}
    assert {(row["vendor"], row["kind"]) for row in built} == {
        *(("zoom", kind) for kind in ("email", "account")),
        *(("teams", kind) for kind in ("email", "account")),
        ("webex", "email"),
    }


def test_whoever_is_identified_has_an_identity_and_nobody_else(rows: Rows) -> None:
    with_identity = {row["person_key"] for row in rows("select person_key from marts.person_identities")}
    people = {row["person_key"]: row["is_identified"] for row in rows("select * from marts.people")}

    assert with_identity == {person for person, is_identified in people.items() if is_identified}
    assert with_identity < people.keys()
