"""In which order runs were published to a table, by the base that each was made from: clocks do not come into it."""

from collections.abc import Collection, Iterable

from lake.publications import Publication, State


def in_order(runs: Iterable[Publication], reached: Collection[int]) -> list[Publication]:
    """The runs that are visible, noted so or with a snapshot in `reached` (main's history), as they came one upon the other.

    Each publication's base is the snapshot of the one before it. Where that chain is broken, as of runs whose table was made
    anew, the pieces follow each other by the time their first became known.
    """
    visible = [run for run in runs if run.state is State.VISIBLE or run.snapshot_id in reached]
    snapshots = {run.snapshot_id for run in visible}
    upon: dict[int | None, list[Publication]] = {}
    for run in visible:
        upon.setdefault(run.base_snapshot, []).append(run)
    ordered: list[Publication] = []
    for first in sorted((run for run in visible if run.base_snapshot not in snapshots), key=_since):
        waiting = [first]
        while waiting:
            run = waiting.pop(0)
            ordered.append(run)
            waiting += sorted((next_ for next_ in upon.get(run.snapshot_id, ()) if next_ is not run), key=_since)
    return ordered


def _since(run: Publication) -> tuple[object, str]:
    return run.known_at or run.recorded_at, run.run_id
