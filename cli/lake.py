"""`fleetlake lake`: maintenance of the lake's tables, and the erasure of a device."""

import json
import secrets
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table

from runtime.errors import UserError
from runtime.settings import Settings

if TYPE_CHECKING:
    from lake.contracts import Contracts
    from lake.maintenance import Proof
    from runtime.platforms import Platform

app = typer.Typer(help="The lake's tables: maintenance and erasure, with proof.", no_args_is_help=True)
_console = Console(highlight=False, soft_wrap=True)


@app.command()
def maintain(
    tables: list[str] = typer.Option([], "--table", help="A table, such as silver.pump; more than once for several. [default: all]"),
    dry_run: bool = typer.Option(False, "--dry-run", help="Say what would be done, and change nothing."),
    as_json: bool = typer.Option(False, "--json", help="For a script."),
) -> None:
    """Compact small files, expire snapshots, remove orphans, let go what the contracts keep no longer. The DAG maintain_lake does it daily.

    Ctrl-C leaves every table readable; run it again for the rest.
    """
    from lake.contracts import sound_contracts
    from runtime.platforms import current_platform

    platform = current_platform(Settings.from_environment())
    contracts = sound_contracts(platform.settings.contracts_folder)
    asked = _asked(contracts, tables)
    if dry_run:
        said = [sentence for name, chosen in asked.items() for sentence in _would(platform, contracts, name, chosen)]
        print(json.dumps(said)) if as_json else _say(said or ["nothing to do"])
        return
    run = f"maintain-{secrets.token_hex(4)}"
    _maintain(platform, asked, run, bool(tables))
    _show(_proofs(platform, run), as_json)


def _asked(contracts: "Contracts", tables: Iterable[str]) -> dict[str, list[str]]:
    """The contracts, and what they share, with the tables of each that were asked for (none: all of them)."""
    from lake.tables import contract_tables
    from spark_jobs.main import SHARED

    owners = {table.name: name for name, contract in contracts.items() for table in contract_tables(contract)}
    shared = _shared()
    asked: dict[str, list[str]] = {}
    for table in tables:
        if table not in owners and table not in shared:
            raise UserError(f"maintain {table}: there is no such Iceberg table; there are {', '.join([*owners, *shared])}")
        asked.setdefault(owners.get(table, SHARED), []).append(table)
    return asked or {name: [] for name in (*contracts, SHARED)}


def _shared() -> list[str]:
    from lake.tables import iceberg_tables

    return [table.name for table in iceberg_tables([])]


def _would(platform: "Platform", contracts: "Contracts", name: str, tables: list[str]) -> list[str]:
    """In this process: to look takes no Spark."""
    from spark_jobs.maintain import run
    from spark_jobs.session import LazyLake

    lake = LazyLake(platform, contracts, "lake maintain")
    try:
        return run(lake, name, "dry-run", tables, dry_run=True)
    finally:
        lake.stop()


def _maintain(platform: "Platform", asked: dict[str, list[str]], run: str, is_chosen: bool) -> None:
    from cli.spark_job import run_spark_job

    if not is_chosen:
        run_spark_job(platform, ["maintain", "--contract", ",".join(asked), "--run-id", run], "lake maintain")
        return
    for name, tables in asked.items():
        arguments = ["maintain", "--contract", name, "--run-id", run, "--table", ",".join(tables)]
        run_spark_job(platform, arguments, f"lake maintain {' '.join(tables)}")


@app.command()
def erase(
    device: str = typer.Argument(help="Id of the device."),
    why: str = typer.Option(..., "--why", help="The reason, kept with the proof; it must not name the device."),
    yes: bool = typer.Option(False, "--yes", help="Do not ask."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Say where the device is, and change nothing."),
    as_json: bool = typer.Option(False, "--json", help="For a script."),
) -> None:
    """Erase one device: its rows everywhere and in all of history, for ever.

    Take the device's access away first: what it sends afterwards is new. After Ctrl-C, or a failure, run it again.
    """
    from cli.spark_job import run_spark_job
    from lake.erased_device import Device
    from runtime.platforms import current_platform

    if not device.strip():
        raise UserError("lake erase: the device's id is empty; name a device")
    if not why.strip():
        raise UserError('lake erase: a reason is needed; give --why "…"')
    if Device(device).is_named_in(why):
        raise UserError("lake erase: the reason names the device, and it is kept with the proof; say it without the id")
    platform = current_platform(Settings.from_environment())
    if not yes and not dry_run:
        typer.confirm(f"Erase {device} from every table, object, queue and snapshot? It cannot be brought back", abort=True)
    run = f"erase-{secrets.token_hex(4)}"
    # The contract is what main.py asks of every job; this one is about all of them.
    arguments = ["erase", "--contract", "_shared", "--run-id", run, "--device", device, "--why", why]
    said = run_spark_job(platform, [*arguments, "--dry-run"] if dry_run else arguments, "lake erase")
    if dry_run:
        print(json.dumps(said)) if as_json else _say([said])
        return
    proofs = _proofs(platform, run)
    _show(proofs, as_json)
    if not as_json:
        _say(f"erased: {proof.detail}" for proof in proofs if proof.verdict == "done")


def _proofs(platform: "Platform", run: str) -> list["Proof"]:
    from lake.maintenance import read_proofs

    return [proof for proof in read_proofs(platform) if proof.run_id == run or proof.run_id.startswith(f"{run}.")]


def _show(proofs: list["Proof"], as_json: bool) -> None:
    if as_json:
        print(json.dumps([asdict(proof) for proof in proofs], default=str))
        return
    if not proofs:
        _console.print("nothing to do")
        return
    table = Table(header_style="bold", padding=0)
    for heading in ("action", "table", "rows", "files", "bytes", "verdict"):
        table.add_column(heading, overflow="fold")
    for proof in proofs:
        figures = [_change(getattr(proof, f"{name}_before"), getattr(proof, f"{name}_after")) for name in ("rows", "files", "bytes")]
        table.add_row(str(proof.action), proof.table_name, *figures, str(proof.verdict))
    _console.print(table)


def _change(before: int | None, after: int | None) -> str:
    if before is None or after is None:
        return ""
    return f"{before:,}" if before == after else f"{before:,} → {after:,}"


def _say(sentences: Iterable[Any]) -> None:
    for sentence in sentences:
        _console.print(str(sentence), markup=False)
