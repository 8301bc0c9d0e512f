"""``python -m benchmarks.tsbs [--scales TRUCKSxHOURS,…] [--rounds N]``: TSBS's questions, found right and timed, at each scale."""

import argparse

from benchmarks.tsbs.run import Measured, measure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scales", default="10x72,100x72")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    scales = [tuple(int(number) for number in scale.split("x")) for scale in asked.scales.split(",")]
    print(table([measure(trucks, hours, rounds=asked.rounds) for trucks, hours in scales]))


def table(found: list[Measured]) -> str:
    heads = [f"{each.trucks:,} trucks: rows | DuckDB, ms | Spark, ms" for each in found]
    lines = [f"| question | {' | '.join(heads)} |", f"|---|{'---|' * 3 * len(found)}"]
    for number, first in enumerate(found[0].answers):
        cells = (f"{a.rows} | {a.duckdb:,.0f} | {a.spark:,.0f}" for a in (each.answers[number] for each in found))
        lines.append(f"| {first.question} | {' | '.join(cells)} |")
    loads = (
        f"{e.trucks:,} trucks, {e.hours} h: {e.entries:,} entries, decoded and put in {e.put:.0f} s, silver in {e.silver:.0f} s"
        for e in found
    )
    return "\n".join([*lines, "", *(f"{words}." for words in loads), "Every answer was equal to the oracle's each time it was asked."])


if __name__ == "__main__":
    main()
