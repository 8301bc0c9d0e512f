"""Features to gold.predictions: each champion of the contract scores the feature rows it has not scored yet.

Insert-only: the first published prediction of (contract, model, version, device, time) stays. A device's rows are scored
together with the earlier ones of its lives, which the model's own statistics reach back to.
"""

from collections.abc import Iterator, Sequence

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.contracts import Contract
from lake.tables import PREDICTIONS, features
from models.catalogue import ModelKind, kinds_of
from models.registry import Registry
from models.rul import Rul
from runtime.log import logger
from spark_jobs.branch import Branch
from spark_jobs.pending import named_inputs, pending
from spark_jobs.publication import Outcome, publish
from spark_jobs.session import SparkLake, prepare_tables

_SCHEMA = "device_id string, at timestamp, score double, lower double, upper double"
log = logger("score")


def run(lake: SparkLake, contract_name: str, run: str) -> list[Outcome]:
    """Publish the predictions of every model of the contract that has a champion."""
    contract = lake.contracts.named(contract_name)
    prepare_tables(lake.platform, contract)
    return [outcome for kind in kinds_of(contract.name) if (outcome := _score(lake, contract, kind, run)) is not None]


def _score(lake: SparkLake, contract: Contract, kind: ModelKind, run: str) -> Outcome | None:
    registry = Registry(lake.platform, kind.name)
    version = registry.champion()
    if version is None:
        log.info(f"score {contract.name}: model {kind.name} has no champion yet; nothing to do")
        return None
    model = Rul.from_json(registry.artifact(version))
    outcome = publish(
        lake, PREDICTIONS, contract.name, f"{run}:{kind.name}", lambda branch: _attempt(lake, contract, kind, version, model, branch)
    )
    log.info(
        f"score {contract.name} by {kind.name} {version}: " + (f"run {outcome.run_id} is visible" if outcome.run_id else "nothing new")
    )
    return outcome


def _attempt(lake: SparkLake, contract: Contract, kind: ModelKind, version: str, model: Rul, branch: Branch) -> Sequence[str] | None:
    new = pending(lake, features(contract), PREDICTIONS, contract.name)
    # A publication is scored once by each version, so the version is in its name.
    taken = named_inputs(lake, PREDICTIONS, contract.name)
    inputs = [name for name in (f"{name}@{version}" for name in new.inputs) if name not in taken] if new else []
    if new is None or not inputs:
        return None
    rows = lake.at_snapshot(features(contract), new.snapshot)
    there = lake.at_snapshot(PREDICTIONS, branch.base_snapshot).where(
        (F.col("contract") == contract.name) & (F.col("model") == kind.name) & (F.col("version") == version)
    )
    missing = rows.select("device_id", "at").join(there.select("device_id", "at"), ["device_id", "at"], "left_anti")
    predictions = build(rows, missing, model).cache()
    try:
        if predictions.isEmpty():
            return None
        stamped(predictions, contract.name, kind, version, new.snapshot, branch.run_id).writeTo(branch.identifier).append()
    finally:
        predictions.unpersist()
    return inputs


def build(rows: DataFrame, missing: DataFrame, model: Rul) -> DataFrame:
    """Predictions for the rows in `missing` (device_id, at): device_id, at, score, lower, upper."""
    touched = rows.join(missing.select("device_id").distinct(), "device_id", "left_semi")

    def predict(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        # One frame a partition: a device lies in one partition, and the model wants its lives whole.
        whole = pd.concat([*frames], ignore_index=True)
        if not whole.empty:
            yield pd.concat([whole[["device_id", "at"]], model.predict(whole)], axis=1)

    scored = touched.repartition("device_id").mapInPandas(predict, _SCHEMA)
    # Two readings of one device at one time share a prediction: the key has no more.
    return scored.join(missing, ["device_id", "at"], "left_semi").dropDuplicates(["device_id", "at"])


def stamped(predictions: DataFrame, contract: str, kind: ModelKind, version: str, snapshot: int, run_id: str) -> DataFrame:
    """`predictions` with every column of gold.predictions, in its order."""
    label = F.when(F.col("score") <= kind.threshold, kind.label_below).otherwise(kind.label_above)
    return predictions.select(
        F.lit(contract).alias("contract"),
        F.lit(kind.name).alias("model"),
        F.lit(version).alias("version"),
        "device_id",
        "at",
        "score",
        "lower",
        "upper",
        F.lit(kind.threshold).alias("threshold"),
        label.alias("label"),
        F.lit(snapshot).cast("bigint").alias("features_snapshot"),
        F.lit(run_id).alias("run_id"),
    ).select(*PREDICTIONS.column_names)
