"""Champion against challenger: whose predictions are nearer, each asked only about engines it has not learnt from.

Both are judged on the same readings: those that the challenger has out-of-fold predictions of, which are all of its training
set. The champion answers for an engine it learnt from with its own out-of-fold prediction, and for one it has never seen with
its real one. The challenger may be worse by `TOLERANCE`, about what three other seeds would change: newer data is worth that.
"""

import io
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from models.catalogue import ModelKind
from models.data import training_set
from models.labels import LIFE
from models.registry import Card, Registry
from models.rul import CAP, Rul, rmse
from runtime.platforms import Platform

TOLERANCE = 1.02
_READING = [*LIFE, "at"]


@dataclass(frozen=True)
class Comparison:
    """RMSE in cycles, capped, over the same readings of `engines`; `unseen` of them were new to the champion."""

    champion: str
    champion_rmse: float
    challenger_rmse: float
    engines: int
    unseen: int

    @property
    def is_won(self) -> bool:
        return self.challenger_rmse <= self.champion_rmse * TOLERANCE

    @property
    def sentence(self) -> str:
        return (
            f"RMSE {self.challenger_rmse:.2f} against the champion's {self.champion_rmse:.2f} cycles on {self.engines} engine lives, "
            f"{self.unseen} of them new to the champion"
        )


def compare(platform: Platform, kind: ModelKind, champion: Card, challenger: Card) -> Comparison | None:
    """None where the two have no reading in common to be judged by."""
    registry = Registry(platform, kind.name)
    ours, theirs = (_out_of_fold(registry, card) for card in (challenger, champion))
    is_known = pd.MultiIndex.from_frame(ours[LIFE]).isin(pd.MultiIndex.from_frame(theirs[LIFE]))
    answers = [theirs[[*_READING, "score"]]]
    if not is_known.all():
        rows = training_set(platform, kind, datetime.fromisoformat(challenger.as_of)).rows
        answers.append(_predicted(Rul.from_json(registry.artifact(champion.version)), rows, ours[~is_known]))
    both = ours.merge(_once(pd.concat(answers)).rename(columns={"score": "answer"}), on=_READING)
    if both.empty:
        return None
    true = both["rul"].clip(upper=CAP)
    unseen = ours[~is_known].groupby(LIFE).ngroups
    return Comparison(champion.version, rmse(both["answer"], true), rmse(both["score"], true), both.groupby(LIFE).ngroups, unseen)


def _out_of_fold(registry: Registry, card: Card) -> pd.DataFrame:
    return _once(pd.read_parquet(io.BytesIO(registry.out_of_fold(card.version))))


def _predicted(model: Rul, rows: pd.DataFrame, wanted: pd.DataFrame) -> pd.DataFrame:
    """The model's scores of the `wanted` readings."""
    # All rows of their devices: the model's statistics begin with a life.
    devices = rows[rows["device_id"].isin(wanted["device_id"].unique())]
    scored = devices[["device_id", "at"]].assign(score=model.predict(devices)["score"])
    return wanted[_READING].merge(scored.drop_duplicates(["device_id", "at"]), on=["device_id", "at"])


def _once(readings: pd.DataFrame) -> pd.DataFrame:
    return readings.drop_duplicates(_READING)
