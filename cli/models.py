"""`fleetlake models`: the versions of each model, their figures, and who is champion."""

import json
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from runtime.settings import Settings

app = typer.Typer(help="Models: versions, figures, champion.", no_args_is_help=True)
_console = Console(highlight=False)


@app.command("list")
def list_models(as_json: bool = typer.Option(False, "--json", help="For a script.")) -> None:
    """Every model with its versions."""
    from models.catalogue import KINDS
    from models.registry import Registry
    from runtime.platforms import current_platform

    platform = current_platform(Settings.from_environment())
    found = [
        {"model": name, "version": version, "champion": version == registry.champion(), **registry.card(version).metrics}
        for name in KINDS
        for registry in [Registry(platform, name)]
        for version in registry.versions()
    ]
    if as_json:
        print(json.dumps(found))
        return
    table = Table(header_style="bold")
    for heading in ("model", "version", "champion", "lives", "cross-validated RMSE"):
        table.add_column(heading)
    for row in found:
        champion = "yes" if row["champion"] else ""
        table.add_row(str(row["model"]), str(row["version"]), champion, f"{row['lives']:.0f}", f"{row['cv_rmse_capped']:.2f}")
    _console.print(table if found else "no model has been trained yet; the DAG train_rul does it")


@app.command()
def show(
    model: str = typer.Argument(help="Name of the model, such as rul."),
    version: str = typer.Option("", help="A version. [default: the champion]"),
    as_json: bool = typer.Option(False, "--json", help="For a script."),
) -> None:
    """A version's card, and its errors on failures that were published after their predictions."""
    from models.catalogue import kind
    from models.erasure import erasures
    from models.evaluate import evaluate, soonest
    from models.registry import Registry
    from runtime.errors import UserError
    from runtime.platforms import current_platform

    platform, chosen = current_platform(Settings.from_environment()), kind(model)
    registry = Registry(platform, model)
    wanted = version or registry.champion()
    if wanted is None:
        raise UserError(f"models show {model}: it has no champion yet; run the DAG train_{model}, or name a --version")
    card, found, following = registry.card(wanted), evaluate(platform, chosen, wanted), soonest(platform, chosen, wanted)
    gone = erasures(platform, model, wanted)
    if as_json:
        told = {"erased": [{"rows": erased.rows, "at": erased.at.isoformat()} for erased in gone]}
        soon = json.loads(following.to_json(orient="records"))
        print(json.dumps({"card": vars(card), "evaluation": found.figures(), "soonest": soon} | told))
        return
    _print_card(card, wanted == registry.champion())
    for erased in gone:
        _console.print(f"  {erased.sentence}", style="yellow", markup=False)
    _print_errors(found, chosen.unit)
    for row in following.itertuples():
        _console.print(
            f"  {row.device_id:<20} {row.score:5.0f} {chosen.unit} left ({row.lower:.0f} to {row.upper:.0f}) as of {row.at:%Y-%m-%d %H:%M}"
        )


@app.command()
def promote(model: str, version: str) -> None:
    """Make a version champion, whatever its figures."""
    _move(model, version, "promote")


@app.command()
def rollback(model: str) -> None:
    """Make the version before the champion champion again."""
    _move(model, None, "rollback")


def _move(model: str, version: str | None, step: str) -> None:
    from models.catalogue import kind
    from models.registry import Registry
    from models.train import note
    from runtime.clock import SystemClock
    from runtime.errors import UserError
    from runtime.platforms import current_platform

    platform = current_platform(Settings.from_environment())
    registry = Registry(platform, kind(model).name)
    wanted = version or registry.previous()
    if wanted is None:
        raise UserError(f"models rollback {model}: there was no champion before this one")
    before = registry.promote(wanted)
    note(platform, SystemClock(), registry.card(wanted), step, "promoted", {"why": "by hand", "against": before})
    _console.print(f"{model} {wanted} is champion; before: {before or 'none'}")


def _print_card(card: Any, is_champion: bool) -> None:
    _console.print(f"[bold]{card.model} {card.version}[/bold]{' (champion)' if is_champion else ''}")
    _console.print(f"  as of {card.as_of}, features snapshot {card.features_snapshot} (kept by tag {card.features_tag})")
    _console.print(f"  data {card.data_fingerprint[:16]}…, code {card.code_version}, {card.rows:,} readings of {card.devices} devices")
    figures = card.metrics
    chosen = ", ".join(f"{name} {card.params[name]}" for name in ("num_leaves", "rounds") if name in card.params)
    _console.print(f"  chosen by cross-validation: {chosen}")
    _console.print(
        f"  cross-validated over {figures['lives']:.0f} engine lives: RMSE {figures['cv_rmse_capped']:.2f} capped, "
        f"{figures['cv_rmse_last_30']:.2f} in the last 30 cycles"
    )
    _console.print("  most telling: " + ", ".join(f"{name} {share:.0%}" for name, share in list(card.importance.items())[:5]))


def _print_errors(found: Any, unit: str) -> None:
    from models.evaluate import NO_ERRORS_YET

    if found.rmse_capped is None:
        _console.print(f"  {NO_ERRORS_YET}")
        return
    _console.print(
        f"  last prediction in each of {found.engines} engine lives that ended in a failure afterwards ({found.all_predictions} predictions in all):"
    )
    _console.print(
        f"    RMSE {found.rmse_capped:.2f} {unit} capped at 125, {found.rmse_raw:.2f} raw; {found.coverage:.0%} inside the 90 % interval"
    )
