"""`fleetlake quality`: what the gate said of each run, and a person's decision about one that it holds."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table

from runtime.errors import UserError
from runtime.settings import Settings

if TYPE_CHECKING:
    from lake.publications import Publication
    from runtime.platforms import Platform

app = typer.Typer(help="The quality gate: its verdicts, and what becomes of held runs.", no_args_is_help=True)
_console = Console(highlight=False, soft_wrap=True)
_STYLES = {"failed": "red", "held": "red", "waived": "yellow", "warned": "yellow", "refused": "yellow", "accepted": "yellow"}
_COUNTS = ("checks", "failed", "warned", "waived")
_WHY = typer.Option("", "--why", help="The reason; it is kept in ops.publications.")


@app.command("list")
def list_runs(
    contract: str = typer.Option("", help="Runs of this contract alone."),
    held: bool = typer.Option(False, "--held", help="Only runs that wait for a person."),
    limit: int = typer.Option(20, min=1, help="As many of the newest runs."),
    as_json: bool = typer.Option(False, "--json", help="For a script."),
) -> None:
    """The newest runs, their state and how many checks failed."""
    from runtime.platforms import current_platform

    runs = [facts for facts in _runs(current_platform(Settings.from_environment())) if not contract or facts["contract"] == contract]
    shown = [facts for facts in runs if not held or facts["state"] == "held"][-limit:]
    if as_json:
        print(json.dumps(shown))
        return
    if not shown:
        of = f" of contract {contract}" if contract else ""
        _console.print(f"no run{of} is held" if held else f"no run{of} has published to silver yet; the DAGs pipeline_… do it")
        return
    table = _table_of_runs()
    for facts in shown:
        state = _styled(facts["state"])
        counts = [str(facts[name]) if facts["checks"] else "" for name in _COUNTS]
        table.add_row(facts["run"], facts["contract"], state, *counts, facts["recorded_at"][:19].replace("T", " "))
    _console.print(table)
    for facts in shown:
        if facts["state"] == "held":
            _console.print(facts["why"], style="red", markup=False)


def _table_of_runs() -> Table:
    """`show`, `accept` and `refuse` need the id whole, so it folds; what else there is gives way to it."""
    table = Table(header_style="bold", padding=0)
    table.add_column("run", overflow="fold")
    for heading in ("contract", "state", *_COUNTS):
        table.add_column(heading, no_wrap=True)
    # The day above the time of day where lines are short.
    table.add_column("when", max_width=10 if _console.width < 100 else None)
    return table


@app.command()
def show(
    run: str = typer.Argument(help="Id of the run, as in `quality list`."),
    every: bool = typer.Option(False, "--all", help="The checks that passed too."),
    as_json: bool = typer.Option(False, "--json", help="For a script."),
) -> None:
    """What each check saw in a run, and the rows behind what failed."""
    from runtime.platforms import current_platform
    from spark_jobs.quality_runs import read_results

    platform = current_platform(Settings.from_environment())
    publication = _publication(platform, run)
    checks = [dict(row, sample=json.loads(row["sample"] or "[]")) for row in read_results(platform, run)]
    if as_json:
        print(json.dumps({"publication": dataclasses.asdict(publication), "checks": checks}, default=str))
        return
    _console.print(f"{run} on {publication.table_name}: {_styled(publication.state)}")
    for words in filter(None, (publication.why, publication.who and f"by {publication.who}", _related(platform, publication))):
        _console.print(f"  {words}", markup=False)
    shown = [check for check in checks if every or check["status"] != "passed"]
    for check in shown:
        _print_check(check)
    passed = len(checks) - sum(check["status"] != "passed" for check in checks)
    if len(checks) > passed:
        rows = f"SELECT * FROM ops.quality_failures WHERE run_id = '{run}'"  # noqa: S608 - for a person to ask
        _console.print(f'all that is behind them: fleetlake query "{rows}"', markup=False)
    hint = "" if every or not passed else "; --all shows them"
    _console.print(f"{passed} of {len(checks)} checks passed{hint}" if checks else "it was not judged: it had no new readings")


@app.command()
def page(
    contract: str = typer.Option("", help="This contract alone."),
    days: int = typer.Option(90, min=1, help="Verdicts of so many days."),
    out: Path | None = typer.Option(None, help="File to write; report/quality.html of FLEETLAKE_HOME by default."),
) -> None:
    """Write one HTML page of every contract: trend and history of its checks, held runs and what was decided, the devices behind it."""
    from lake.contracts import sound_contracts
    from local.quality_page import write_quality_page
    from runtime.platforms import current_platform

    platform = current_platform(Settings.from_environment())
    contracts = sound_contracts(platform.settings.contracts_folder)
    names = [contracts.named(contract).name] if contract else sorted(contracts)
    _console.print(f"quality page: {write_quality_page(platform, names, days, out)}", markup=False)


@app.command()
def accept(run: str = typer.Argument(help="Id of the held run."), why: str = _WHY) -> None:
    """Publish a held run's readings after all, waiving just the checks that failed."""
    _settle("accept", run, why)


@app.command()
def refuse(run: str = typer.Argument(help="Id of the held run."), why: str = _WHY) -> None:
    """Put a held run's readings to quarantine."""
    _settle("refuse", run, why)


def _settle(job: str, run: str, why: str) -> None:
    from cli.spark_job import run_spark_job
    from runtime.platforms import current_platform

    if not why.strip():
        raise UserError(f'quality {job} {run}: a reason is needed; give --why "…"')
    platform = current_platform(Settings.from_environment())
    held = _publication(platform, run)
    if held.state != "held":
        raise UserError(f"quality {job} {run}: it is not held but {held.state}")
    # The same id each time: a second try of the same decision is told from another one.
    arguments = [job, "--contract", held.contract, "--run-id", f"{job}-{run}", "--run", run, "--why", why]
    said = run_spark_job(platform, arguments, f"quality {job} {run}")
    _console.print(said or f"{run} is {_publication(platform, run).state}", markup=False)


def _publication(platform: "Platform", run: str) -> "Publication":
    from lake.maintenance import MAINTAINED
    from lake.publications import read_publications

    silver = [found for found in read_publications(platform) if found.table_name.startswith("silver.") and found.contract != MAINTAINED]
    for found in silver:
        if found.run_id == run:
            return found
    held = ", ".join(found.run_id for found in silver if found.state == "held") or "none"
    raise UserError(f"run {run}: silver has no such run; `fleetlake quality list` names them; held: {held}")


def _runs(platform: "Platform") -> list[dict[str, Any]]:
    """Runs on silver, oldest first, with how many checks each had, and how many did not pass."""
    from lake.maintenance import MAINTAINED
    from lake.publications import read_publications
    from spark_jobs.quality_runs import read_results

    statuses: dict[str, list[str]] = {}
    for row in read_results(platform):
        statuses.setdefault(row["run_id"], []).append(row["status"])
    of_silver = (run for run in read_publications(platform) if run.table_name.startswith("silver.") and run.contract != MAINTAINED)
    runs = sorted(of_silver, key=lambda run: run.recorded_at)
    return [_facts(run, statuses.get(run.run_id, [])) for run in runs]


def _facts(run: "Publication", statuses: Sequence[str]) -> dict[str, Any]:
    counts = {status: statuses.count(status) for status in _COUNTS[1:]}
    return {
        "run": run.run_id,
        "contract": run.contract,
        "state": str(run.state),
        "checks": len(statuses),
        **counts,
        "why": run.why or "",
        "recorded_at": run.recorded_at.isoformat(),
    }


def _related(platform: "Platform", publication: "Publication") -> str:
    from lake.publications import read_publications

    if publication.related_run:
        return f"accepts run {publication.related_run}"
    others = [run for run in read_publications(platform, publication.table_name) if run.related_run == publication.run_id]
    return f"accepted by run {others[-1].run_id}: {others[-1].why or ''}" if publication.state == "accepted" and others else ""


def _print_check(check: dict[str, Any]) -> None:
    _console.print(f"  {_styled(check['status'])} ", end="")
    _console.print(check["sentence"], markup=False)
    for row in check["sample"]:
        _console.print(
            "      " + ", ".join(f"{name} {_words(value)}" for name, value in row.items() if name != "flag" and value is not None),
            markup=False,
        )


def _words(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return " ".join(value) or "none" if isinstance(value, list) else str(value)


def _styled(state: str) -> str:
    return f"[{_STYLES[state]}]{state}[/]" if state in _STYLES else f"[green]{state}[/]"
