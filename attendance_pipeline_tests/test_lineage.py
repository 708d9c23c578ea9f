"""Where a query's columns come from, in the forms that the models are written in."""

import pytest

from attendance_pipeline.lineage import origins

SCHEMA = {
    "build": {
        "raw": {
            "joins": {"meeting": "varchar", "name": "varchar", "began": "timestamp", "devices": "varchar[]"},
            "calls": {"meeting": "varchar", "caller": "varchar", "began": "timestamp"},
        }
    }
}


@pytest.mark.parametrize(
    ("query", "made_of"),
    [
        pytest.param(
            "with source as (select * from raw.joins) select nullif(name, '') as who, began from source",
            {"who": ["joins.name"], "began": ["joins.began"]},
            id="through a CTE and a function",
        ),
        pytest.param(
            "select meeting, name as who from raw.joins union all select meeting, caller from raw.calls "
            "union all select 'none', 'nobody'",
            {"meeting": ["calls.meeting", "joins.meeting"], "who": ["calls.caller", "joins.name"]},
            id="a union by place",
        ),
        pytest.param(
            "select j.meeting, count(*) as joins from raw.joins as j join raw.calls as c on j.meeting = c.meeting "
            "where c.caller is not null group by j.meeting",
            {"meeting": ["joins.meeting"], "joins": ["joins.meeting"]},
            id="a count is of its key, a filter of nothing",
        ),
        pytest.param(
            "with recursive reached as (select meeting, name from raw.joins union "
            "select c.meeting, reached.name from reached join raw.calls as c on c.meeting = reached.meeting) "
            "select meeting, name from reached",
            {"meeting": ["calls.meeting", "joins.meeting"], "name": ["joins.name"]},
            id="a recursion",
        ),
        pytest.param(
            "select meeting, unnest(devices) as device, "
            "case when began = (select min(began) from raw.calls) then 'first' end as place from raw.joins",
            {
                "meeting": ["joins.meeting"],
                "device": ["joins.devices"],
                "place": ["calls.began", "joins.began"],
            },
            id="a list and a query in an expression",
        ),
        pytest.param("select 'zoom' as vendor from raw.joins", {"vendor": []}, id="a constant"),
    ],
)
def test_a_column_comes_from(query: str, made_of: dict[str, list[str]]) -> None:
    found = origins(query, SCHEMA)

    assert {name: [f"{table}.{column}" for _, table, column in its] for name, its in found.items()} == made_of
    assert list(found) == list(made_of)
