"""``python -m benchmarks.tsbs [--scales TRUCKSxHOURS,…] [--rounds N]``: TSBS's questions, found right and timed, at each scale."""

import argparse

from benchmarks.tsbs.run import Answered, Measured, measure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scales", default="10x72,100x72")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    scales = [(int(trucks), int(hours)) for trucks, _, hours in (scale.partition("x") for scale in asked.scales.split(","))]
    print(table(measure(scales, rounds=asked.rounds)))


def table(found: list[Measured]) -> str:
    heads = [f"{each.trucks:,} trucks: rows | DuckDB: ms, CPU | Spark: ms, CPU" for each in found]
    lines = [f"| question | {' | '.join(heads)} |", f"|---|{'---|' * 3 * len(found)}"]
    for number, first in enumerate(found[0].answers):
        lines.append(f"| {first.question} | {' | '.join(_cells(each.answers[number]) for each in found)} |")
    loads = (
        f"{e.trucks:,} trucks, {e.hours} h: {e.entries:,} entries, decoded and put in {e.put:.0f} s ({e.put_cpu:.0f} s of CPU), "
        f"silver in {e.silver:.0f} s ({e.silver_cpu:.0f} s of CPU, {e.memory / 1e6:,.0f} MB at most)"
        for e in found
    )
    return "\n".join([*lines, "", *(f"{words}." for words in loads), "Every answer was equal to the oracle's each time it was asked."])


def _cells(answer: Answered) -> str:
    return f"{answer.rows:,} | {answer.duckdb:,.0f}, {answer.duckdb_cpu:,.0f} | {answer.spark:,.0f}, {answer.spark_cpu:,.0f}"


if __name__ == "__main__":
    main()
