"""How long the worked questions of `dbt_project/analyses` take, asked of a published file."""

import re
import statistics
import sys
import time
from pathlib import Path

import duckdb

from attendance_pipeline.dbt import DBT_PROJECT
from attendance_pipeline.settings import Settings

from .measuring import Numbers, report

TIMES = 7


def ask(published: Path) -> dict[str, tuple[float, float]]:
    """Medians in milliseconds by question: on a connection that answered it before, and on one just opened."""
    return {
        question.stem[3:].replace("_", " "): _milliseconds(published, _sql(question))
        for question in sorted((DBT_PROJECT / "analyses").glob("*.sql"))
    }


def questions() -> Numbers:
    """Each asked several times; `warm_ms` and `cold_ms` are the medians over the questions."""
    took = ask(Settings.load().warehouse)
    warm, cold = ([of_question[place] for of_question in took.values()] for place in (0, 1))
    slowest = max(took, key=lambda question: took[question][0])
    return {
        "warm_ms": statistics.median(warm),
        "cold_ms": statistics.median(cold),
        "slowest": slowest,
        "slowest_ms": took[slowest][0],
    }


def _sql(question: Path) -> str:
    return re.sub(r"{{ ref\('(\w+)'\) }}", r"marts.\1", question.read_text())


def _milliseconds(path: Path, sql: str) -> tuple[float, float]:
    cold, warm = [], []
    for _ in range(TIMES):
        began = time.perf_counter()
        with duckdb.connect(str(path), read_only=True) as connection:
            connection.execute(sql).fetchall()
            cold.append(time.perf_counter() - began)
    with duckdb.connect(str(path), read_only=True) as connection:
        for _ in range(TIMES + 1):
            began = time.perf_counter()
            connection.execute(sql).fetchall()
            warm.append(time.perf_counter() - began)
    return statistics.median(warm[1:]) * 1000, statistics.median(cold) * 1000


def main() -> None:
    """Ask, of the published file of the environment or of one that is named."""
    if len(sys.argv) > 1 and sys.argv[1] == "questions":
        report(questions)
        return
    print("| question | warm ms | cold ms |\n|---|---:|---:|")
    for question, (warm, cold) in ask(Path(sys.argv[1]) if sys.argv[1:] else Settings.load().warehouse).items():
        print(f"| {question} | {warm:.0f} | {cold:.0f} |")


if __name__ == "__main__":
    main()
