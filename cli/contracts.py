"""`fleetlake contracts`: check the contract files, write the page about their tables, begin a new one."""

from pathlib import Path

import typer
from rich.console import Console

from cli.text import counted
from runtime.errors import UserError
from runtime.settings import REPOSITORY, Settings

app = typer.Typer(help="Contracts: what devices send.", no_args_is_help=True)
_console = Console(highlight=False, soft_wrap=True)
_NEW = """\
contract: {name}
version: 1
kind: measurement             # or event: then without cadence_seconds
description: What the device is, in one sentence.
cadence_seconds: 300          # how often a sound device sends; completeness, gaps and offline detection follow from it
late_days: 7                  # later than this still lands in its own day, and is counted as very late
unknown_fields: keep          # in the column _extra; or: quarantine
# How long the time-series store keeps readings, and hourly statistics of them afterwards; without it, for ever. The lake keeps all.
# timeseries: {{keep_days: 30, downsample: {{every_seconds: 3600, keep_days: 365}}}}
fields:
  # types: float64, int64, bool, string; docs/tables.md shows what follows from each word
  temperature_celsius: {{type: float64, unit: degC, min: -40, max: 85, required: true, description: of the housing}}
  is_running: {{type: bool}}
  firmware: {{type: string, max_length: 32, description: version of the device's software}}
"""


@app.command()
def check() -> None:
    """Read every contract file and refuse what is wrong, with file, field and reason."""
    from lake.contracts import load_contracts

    folder = Settings.from_environment().contracts_folder
    contracts = load_contracts(folder)
    if not contracts:
        raise UserError(f"contracts check: {folder} has no contract; `fleetlake contracts new NAME` begins one")
    for contract in contracts.values():
        earlier = f", after {len(contracts.versions(contract.name)) - 1} earlier" if len(contracts.versions(contract.name)) > 1 else ""
        _console.print(
            f"{contract.name:<20} version {contract.version}{earlier}, {contract.kind}, {counted(len(contract.fields), 'field')}"
        )


@app.command()
def docs(
    output: Path | None = typer.Option(None, help="File to write. [default: docs/tables.md of the repository]"),
) -> None:
    """Write the page about every table of the lake from its contracts."""
    from lake.contracts import load_contracts
    from lake.tables_page import tables_page

    page = tables_page(load_contracts(Settings.from_environment().contracts_folder))
    file = output or REPOSITORY / "docs" / "tables.md"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(page, encoding="utf-8")
    _console.print(f"{file} has {page.count(chr(10) + '### ')} tables")


@app.command()
def new(name: str = typer.Argument(help="Name of the contract, as in topics and tables: small letters, digits, underscores.")) -> None:
    """Begin a contract: a file that holds, to be changed."""
    from lake.contracts import load_contract
    from runtime.errors import ContractError

    folder = Settings.from_environment().contracts_folder
    file = folder / f"{name}.yaml"
    if not name or "/" in name or file.exists():
        raise UserError(f"contracts new {name}: {file} is there already" if file.exists() else f"contracts new {name!r}: this is no name")
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(_NEW.format(name=name), encoding="utf-8")
    try:
        load_contract(file)
    except ContractError:
        file.unlink()
        raise
    _console.print(f"{file} is a contract; change its fields, then `fleetlake contracts check`")
