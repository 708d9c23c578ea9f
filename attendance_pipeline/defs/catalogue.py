"""The metrics as the README lists them, from the dbt project's manifest.

`python -m attendance_pipeline.defs.catalogue` prints the table; with `--write` it goes into the README.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from attendance_pipeline.dbt import MANIFEST
from attendance_pipeline.settings import PROJECT

BEGINS, ENDS = "<!-- metrics -->\n", "<!-- /metrics -->"

TOPICS = {
    "meetings": "Meetings and their time",
    "adoption": "Adoption",
    "load": "Load and hosts",
    "behavior": "How people attend",
    "reach": "Reach and devices",
    "webinars": "Webinars, town halls, live events",
    "trust": "Reconciliation and coverage",
}
"""By the files `_metrics__<topic>.yml`."""


def table(metrics: Iterable[Mapping[str, Any]]) -> str:
    """One row per metric, by topic, folded; those that only others are made of are left out."""
    of_topic: dict[str, list[Mapping[str, Any]]] = {topic: [] for topic in TOPICS}
    for metric in metrics:
        topic = PurePosixPath(metric["original_file_path"]).stem.removeprefix("_metrics__")
        if not metric["config"]["meta"].get("is_part"):
            of_topic[topic].append(metric)
    number = sum(map(len, of_topic.values()))
    lines = [
        f"<details><summary>The {number} metrics: what each is, its unit, and of what it is a share</summary>",
        *["", "| metric | what it is | unit | of what |", "|---|---|---|---|"],
    ]
    for topic, title in TOPICS.items():
        lines.append(f"| **{title}** | | | |")
        for metric in sorted(of_topic[topic], key=lambda metric: str(metric["name"])):
            meta = metric["config"]["meta"]
            definition = " ".join(metric["description"].split()).removesuffix(".")
            lines.append(f"| `{metric['name']}` | {definition} | {meta['unit']} | {meta['denominator'] or ''} |")
    return "\n".join([*lines, "", "</details>", ""])


def _written(readme: str, told: str) -> str:
    before, rest = readme.split(BEGINS)
    return before + BEGINS + told + ENDS + rest.split(ENDS)[1]


if __name__ == "__main__":
    held = table(json.loads(MANIFEST.read_text())["metrics"].values())
    if sys.argv[1:] == ["--write"]:
        README = PROJECT / "README.md"
        README.write_text(_written(README.read_text(), held))
    else:
        print(held, end="")
