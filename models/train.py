"""``python -m models.train train|evaluate|promote --model rul``: the steps of the DAG ``train_{model}``.

`train` stores a version and its card; the same ``as_of`` gives the same version. `promote` makes it champion if there is none,
or if it is not worse: on engines that failed after the champion's ``as_of``, which neither has learnt from, where there are at
least ten; else by the figures of their cross-validations, with a tolerance of 5 %.
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
from lake.tables import MODEL_RUNS
from models.catalogue import ModelKind, kind
from models.data import TrainingSet, keep_snapshot, resolve, training_set
from models.evaluate import evaluate
from models.registry import Card, Registry
from models.rul import CAP, Rul, label, rmse, train
from runtime import log as logging
from runtime.clock import Clock, SystemClock
from runtime.errors import FleetlakeError
from runtime.platforms import Platform, current_platform
from runtime.settings import Settings

TOLERANCE = 1.05
_LEAST_LIVES = 10
log = logging.logger("train")


def step_train(platform: Platform, model: ModelKind, as_of: str, force: bool, clock: Clock) -> str | None:
    """Train as of a moment; the version, or None where too few failures are known to learn anything new."""
    moment = resolve(platform, model, as_of)
    data = training_set(platform, model, moment)
    labelled = label(data.rows, data.failures)
    ended = labelled.groupby(["device_id", "life"]).ngroups
    if ended < model.least_failures:
        log.info(f"train {model.name}: {ended} engine lives have ended, {model.least_failures} are needed; nothing to do")
        return None
    new = new_failures(platform, model, data)
    if not force and new < model.enough_events:
        log.info(f"train {model.name}: {new} new failures since the newest version, {model.enough_events} are waited for; nothing to do")
        return None
    trained = train(labelled, data.sensors)
    version = f"{moment:%Y%m%dT%H%M%S}-{hashlib.sha256((data.fingerprint + code_version()).encode()).hexdigest()[:8]}"
    card = Card(
        model=model.name,
        version=version,
        contract=model.contract,
        as_of=moment.isoformat(),
        features_snapshot=data.snapshot,
        features_tag=keep_snapshot(platform, model, data.snapshot),
        data_fingerprint=data.fingerprint,
        code_version=code_version(),
        params=trained.params,
        metrics=trained.metrics,
        features=list(trained.model.columns),
        importance=trained.importance,
    )
    Registry(platform, model.name).save(card, trained.model.to_json(), _parquet(trained.out_of_fold))
    note(platform, clock, card, "train", "trained", card.metrics)
    log.info(
        f"train {model.name}: version {version} from {ended} lives, cross-validated RMSE {trained.metrics['cv_rmse_capped']:.2f} cycles"
    )
    return version


def step_evaluate(platform: Platform, model: ModelKind, clock: Clock) -> None:
    """Measure the champion and the newest version on failures that were published after their predictions."""
    registry = Registry(platform, model.name)
    versions = registry.versions()
    for version in dict.fromkeys(filter(None, [registry.champion(), versions[-1] if versions else None])):
        found = evaluate(platform, model, version)
        note(platform, clock, registry.card(version), "evaluate", "evaluated", found.figures())
        errors = (
            "no prediction can be judged yet" if found.rmse_capped is None else f"RMSE {found.rmse_capped:.2f} cycles, capped at {CAP:.0f}"
        )
        log.info(f"evaluate {model.name} {version}: {found.engines} engines, {errors}")


def step_promote(platform: Platform, model: ModelKind, clock: Clock) -> str | None:
    """Make the newest version champion if it is not worse; the champion."""
    registry = Registry(platform, model.name)
    versions, champion = registry.versions(), registry.champion()
    if not versions or versions[-1] == champion:
        log.info(f"promote {model.name}: there is no newer version than the champion {champion}")
        return champion
    challenger = registry.card(versions[-1])
    better, why = (True, "there was no champion") if champion is None else compare(platform, model, registry.card(champion), challenger)
    if better:
        registry.promote(challenger.version)
    note(platform, clock, challenger, "promote", "promoted" if better else "kept back", {"why": why, "against": champion})
    log.info(f"promote {model.name}: {challenger.version} {'is champion' if better else 'stays a challenger'}: {why}")
    return challenger.version if better else champion


def compare(platform: Platform, model: ModelKind, champion: Card, challenger: Card) -> tuple[bool, str]:
    """Whether the challenger is not worse, and by which figures."""
    registry = Registry(platform, model.name)
    found = pd.read_parquet(io.BytesIO(registry.out_of_fold(challenger.version)))
    ends = found.groupby(["device_id", "life"])["at"].transform("max")
    unseen = found[ends > pd.Timestamp(champion.as_of)]
    if unseen.groupby(["device_id", "life"]).ngroups < _LEAST_LIVES:
        old, new = champion.metrics["cv_rmse_capped"], challenger.metrics["cv_rmse_capped"]
        return new <= old * TOLERANCE, f"cross-validated RMSE {new:.2f} against {old:.2f} cycles"
    data = training_set(platform, model, datetime.fromisoformat(challenger.as_of))
    wanted = data.rows.merge(unseen[["device_id", "life", "at", "rul", "score"]], on=["device_id", "life", "at"], how="inner")
    lives = data.rows.merge(wanted[["device_id", "life"]].drop_duplicates(), on=["device_id", "life"])
    scored = lives[["device_id", "at"]].assign(champion=Rul.from_json(registry.artifact(champion.version)).predict(lives)["score"])
    both = wanted.merge(scored, on=["device_id", "at"])
    true = both["rul"].clip(upper=CAP)
    old, new = rmse(both["champion"], true), rmse(both["score"], true)
    return (
        new <= old * TOLERANCE,
        f"RMSE {new:.2f} against {old:.2f} cycles on {unseen.groupby(['device_id', 'life']).ngroups} engine lives neither had learnt from",
    )


def new_failures(platform: Platform, model: ModelKind, data: TrainingSet) -> int:
    """Failures known now beyond those that the newest version learnt from."""
    registry = Registry(platform, model.name)
    versions = registry.versions()
    learnt = int(registry.card(versions[-1]).metrics["failures"]) if versions else 0
    known = label(data.rows, data.failures).groupby(["device_id", "life"]).ngroups
    return known - learnt if versions else max(known, model.enough_events)


def code_version() -> str:
    """SHA-256 of the modules that make a model, so that a version can be told apart without a git checkout."""
    digest = hashlib.sha256()
    for name in ("features.py", "rul.py", "data.py"):
        digest.update((Path(__file__).parent / name).read_bytes())
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
        "artifact": f"{card.model}/{card.version}",
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
    parser.add_argument("--run-id", default="manual")
    options = parser.parse_args(arguments)
    settings = Settings.from_environment()
    logging.configure(settings.log_level)
    try:
        platform, model = current_platform(settings), kind(options.model)
        if options.step == "train":
            step_train(platform, model, options.as_of, options.force.lower() == "true", SystemClock())
        elif options.step == "evaluate":
            step_evaluate(platform, model, SystemClock())
        else:
            step_promote(platform, model, SystemClock())
    except FleetlakeError as error:
        log.error(f"{options.step} {options.model}: {error}", exc_info=settings.debug)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
