"""``python -m models.train train|evaluate|promote --model rul``: the steps of the DAG ``train_{model}``.

`train` stores a version and its card, and notes it under the run's id; the same ``as_of`` gives the same version. `evaluate`
measures the champion in the tables, and the run's version against it. `promote` makes the run's version champion where there
is none or where it is not worse (models.challenge says how that is measured).
"""

import argparse
import hashlib
import io
import json
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from lake.catalog import append_rows
from lake.layout import model_prefix
from lake.tables import MODEL_RUNS
from models.catalogue import ModelKind, kind
from models.challenge import Comparison, compare
from models.data import TrainingSet, keep_snapshot, resolve, training_set
from models.evaluate import evaluate
from models.labels import label, lives
from models.registry import Card, Registry
from models.rul import CAP, Trained, train
from runtime import log as logging
from runtime.clock import Clock, SystemClock
from runtime.errors import FleetlakeError
from runtime.platforms import Platform, current_platform
from runtime.settings import Settings

log = logging.logger("train")


def step_train(platform: Platform, model: ModelKind, as_of: str, force: bool, clock: Clock, run_id: str = "") -> str | None:
    """Train as of a moment; the version, or None where too few failures are known to learn anything new."""
    registry = Registry(platform, model.name)
    made = registry.version_of_run(run_id) if run_id else None
    if made is not None:
        log.info(f"train {model.name}: run {run_id} has made version {made} already")
        return made
    data = training_set(platform, model, resolve(platform, model, as_of))
    labelled = label(data.rows, data.failures, data.replacements)
    missing = too_few(registry, model, lives(labelled), force)
    if missing:
        log.info(f"train {model.name}: {missing}; nothing to do")
        return None
    trained = train(labelled, data.sensors)
    card = card_of(model, data, trained, keep_snapshot(platform, model, data.snapshot))
    registry.save(card, trained.model.to_json(), _parquet(trained.out_of_fold))
    note(platform, clock, card, "train", "trained", card.metrics)
    if run_id:
        registry.note_run(run_id, card.version)
    figures = f"{card.metrics['lives']:.0f} engine lives, cross-validated RMSE {card.metrics['cv_rmse_capped']:.2f} cycles"
    log.info(f"train {model.name}: version {card.version} from {figures}")
    return card.version


def step_evaluate(platform: Platform, model: ModelKind, clock: Clock, run_id: str = "") -> Comparison | None:
    """Measure the champion on failures that were published after its predictions, and the challenger against it."""
    registry = Registry(platform, model.name)
    champion, challenger = registry.champion(), challenger_of(registry, run_id)
    if champion is None:
        log.info(f"evaluate {model.name}: there is no champion yet")
        return None
    found = evaluate(platform, model, champion)
    note(platform, clock, registry.card(champion), "evaluate", "champion", found.figures())
    errors = "no prediction can be judged yet" if found.rmse_capped is None else f"RMSE {found.rmse_capped:.2f} cycles, capped at {CAP:.0f}"
    log.info(f"evaluate {model.name} {champion}: {found.engines} engine lives ended in a failure since they were scored, {errors}")
    if challenger is None:
        return None
    compared = compare(platform, model, registry.card(champion), registry.card(challenger))
    note(platform, clock, registry.card(challenger), "evaluate", "challenger", vars(compared) if compared else {})
    log.info(f"evaluate {model.name} {challenger}: {compared.sentence if compared else 'nothing to compare it by'}")
    return compared


def step_promote(platform: Platform, model: ModelKind, clock: Clock, run_id: str = "") -> str | None:
    """Make the run's version champion if it is not worse; the champion. Raises RetryLater where another promotion came first."""
    registry = Registry(platform, model.name)
    champion, challenger = registry.champion(), challenger_of(registry, run_id)
    if challenger is None:
        log.info(f"promote {model.name}: no version challenges the champion {champion}")
        return champion
    compared = compare(platform, model, registry.card(champion), registry.card(challenger)) if champion else None
    # A champion that has no engine in common with today's data says nothing about today's engines.
    wins = compared is None or compared.is_won
    why = compared.sentence if compared else "there was no champion to compare it with"
    if wins:
        registry.promote(challenger, instead_of=champion)
    note(platform, clock, registry.card(challenger), "promote", "promoted" if wins else "kept back", {"why": why, "against": champion})
    log.info(f"promote {model.name}: {challenger} {'is champion' if wins else 'stays a challenger'}: {why}")
    return challenger if wins else champion


def challenger_of(registry: Registry, run_id: str) -> str | None:
    """The version that the run made (no run: the newest) unless it is champion already."""
    version = registry.version_of_run(run_id) if run_id else next(iter(registry.versions()[::-1]), None)
    return None if version == registry.champion() else version


def too_few(registry: Registry, model: ModelKind, known: int, force: bool) -> str | None:
    """Why `known` engine lives teach nothing new; None where they do. `force` does without new ones, not without any."""
    if known < model.least_failures:
        return f"{known} engine lives are known to have ended, {model.least_failures} are needed"
    learnt = max((int(registry.card(version).metrics["failures"]) for version in registry.versions()), default=None)
    if force or learnt is None or known - learnt >= model.enough_events:
        return None
    return f"{known - learnt} new failures since the newest version, {model.enough_events} are waited for"


def card_of(model: ModelKind, data: TrainingSet, trained: Trained, tag: str) -> Card:
    """The card of a version; its name tells the moment, the data and the code, so that the same ones give the same name."""
    code = code_version()
    digest = hashlib.sha256((data.fingerprint + code).encode()).hexdigest()
    return Card(
        model=model.name,
        version=f"{data.as_of:%Y%m%dT%H%M%S}-{digest[:8]}",
        contract=model.contract,
        as_of=data.as_of.isoformat(),
        features_snapshot=data.snapshot,
        features_tag=tag,
        data_fingerprint=data.fingerprint,
        code_version=code,
        rows=len(data.rows),
        devices=int(data.rows["device_id"].nunique()),
        params=trained.params,
        metrics=trained.metrics,
        features=list(trained.model.columns),
        importance=trained.importance,
    )


def code_version() -> str:
    """Hash of the code that makes a model, so that a version can be told apart without a git checkout."""
    package = Path(__file__).parent
    digest = hashlib.sha256()
    for name in ("data.py", "features.py", "interval.py", "labels.py", "rul.py"):
        digest.update((package / name).read_bytes())
    digest.update((package.parent / "lake" / "causal.py").read_bytes())
    return digest.hexdigest()[:16]


def note(platform: Platform, clock: Clock, card: Card, step: str, state: str, metrics: dict[str, Any]) -> None:
    row = {
        "model": card.model,
        "version": card.version,
        "kind": step,
        "as_of": datetime.fromisoformat(card.as_of),
        "features_snapshot": card.features_snapshot,
        "metrics": json.dumps(metrics),
        "params": json.dumps(card.params),
        "code_version": card.code_version,
        "artifact": f"{model_prefix(card.model, card.version)}model.json",
        "state": state,
        "recorded_at": clock.now(),
    }
    append_rows(platform, MODEL_RUNS, [row])


def _parquet(frame: pd.DataFrame) -> bytes:
    sink = io.BytesIO()
    frame.to_parquet(sink, index=False)
    return sink.getvalue()


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="models.train", description="A step of training a model.")
    parser.add_argument("step", choices=("train", "evaluate", "promote"))
    parser.add_argument("--model", required=True)
    parser.add_argument("--as-of", default="latest", help="ISO 8601 with a zone, or latest")
    parser.add_argument("--force", default="False", help="train even without enough new failures")
    parser.add_argument("--run-id", default="", help="id of the Airflow run: its steps are about the version that it made")
    options = parser.parse_args(arguments)
    settings = Settings.from_environment()
    logging.configure(settings.log_level)
    try:
        platform, model = current_platform(settings), kind(options.model)
        if options.step == "train":
            step_train(platform, model, options.as_of, options.force.lower() == "true", SystemClock(), options.run_id)
        elif options.step == "evaluate":
            step_evaluate(platform, model, SystemClock(), options.run_id)
        else:
            step_promote(platform, model, SystemClock(), options.run_id)
    except FleetlakeError as error:
        log.error(f"{options.step} {options.model}: {error}", exc_info=settings.debug)
        return error.job_exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
