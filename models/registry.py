"""The model registry in S3: versions that never change, and one pointer to the champion of each model.

``models/{model}/{version}/model.json`` and ``card.json`` are put once; ``models/{model}/champion.json`` moves by a conditional
put, so that two promotions cannot both believe to have won.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any

from botocore.exceptions import ClientError

from lake.layout import champion_key, model_prefix, model_run_key
from lake.objects import list_keys, put_once
from runtime.errors import RetryLater, UserError
from runtime.platforms import Platform

ANY = "*"


class _NoSuchObject(Exception):
    pass


@dataclass(frozen=True)
class Card:
    """What a version was made from: enough to make it again."""

    model: str
    version: str
    contract: str
    as_of: str
    features_snapshot: int
    features_tag: str
    data_fingerprint: str
    code_version: str
    rows: int
    devices: int
    params: dict[str, Any]
    metrics: dict[str, float]
    features: list[str]
    importance: dict[str, float]


class Registry:
    def __init__(self, platform: Platform, model: str) -> None:
        self._platform = platform
        self._model = model

    def save(self, card: Card, artifact: bytes, out_of_fold: bytes) -> None:
        """Store a version; the same version again changes nothing."""
        prefix = model_prefix(self._model, card.version)
        put_once(self._platform, f"{prefix}model.json", artifact)
        put_once(self._platform, f"{prefix}out_of_fold.parquet", out_of_fold)
        put_once(self._platform, f"{prefix}card.json", json.dumps(asdict(card), indent=1).encode())

    def card(self, version: str) -> Card:
        """Raises UserError where there is no such version."""
        return Card(**json.loads(self._read(f"{model_prefix(self._model, version)}card.json", f"version {version}")))

    def artifact(self, version: str) -> bytes:
        return self._read(f"{model_prefix(self._model, version)}model.json", f"version {version}")

    def out_of_fold(self, version: str) -> bytes:
        return self._read(f"{model_prefix(self._model, version)}out_of_fold.parquet", f"version {version}")

    def replace_out_of_fold(self, version: str, out_of_fold: bytes) -> None:
        """Put it in place of what is there: the one change to a version, when a device is erased from it."""
        key = f"{model_prefix(self._model, version)}out_of_fold.parquet"
        self._platform.client("s3").put_object(Bucket=self._platform.lake_bucket, Key=key, Body=out_of_fold)

    def note_run(self, run_id: str, version: str) -> None:
        """Note which version the training run made; the first note stays."""
        put_once(self._platform, model_run_key(self._model, run_id), json.dumps({"run_id": run_id, "version": version}).encode())

    def version_of_run(self, run_id: str) -> str | None:
        """The version that the training run made; None where it has made none."""
        try:
            return str(json.loads(self._get(model_run_key(self._model, run_id))["Body"].read())["version"])
        except _NoSuchObject:
            return None

    def versions(self) -> list[str]:
        """Stored versions, oldest first by name: names begin with their as_of."""
        root = model_prefix(self._model, "")[:-1]
        found = {key.removeprefix(root).split("/")[0] for key in list_keys(self._platform, root) if key.endswith("/card.json")}
        return sorted(found)

    def champion(self) -> str | None:
        pointer = self._pointer()
        return pointer[0] if pointer else None

    def previous(self) -> str | None:
        """The champion before the present one, which a rollback goes back to."""
        pointer = self._pointer()
        return pointer[1] if pointer else None

    def promote(self, version: str, instead_of: str | None = ANY) -> str | None:
        """Make a version champion; the one before it. Again does nothing.

        Raises UserError where there is no such version, RetryLater where another promotion came first, or where the champion
        is another one than `instead_of`, which the version was measured against.
        """
        self.card(version)
        pointer = self._pointer()
        before = pointer[0] if pointer else None
        if before == version:
            return version
        if instead_of not in (ANY, before):
            raise self._lost_race(version)
        condition = {"IfMatch": pointer[2]} if pointer else {"IfNoneMatch": "*"}
        body = json.dumps({"version": version, "previous": before}).encode()
        try:
            self._platform.client("s3").put_object(Bucket=self._platform.lake_bucket, Key=champion_key(self._model), Body=body, **condition)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in (409, 412):
                raise self._lost_race(version) from None
            raise
        return before

    def _lost_race(self, version: str) -> RetryLater:
        return RetryLater(f"promote {self._model} {version}: another promotion came first; look who is champion and try again")

    def _pointer(self) -> tuple[str, str | None, str] | None:
        """The champion, the one before it, and the pointer's ETag."""
        try:
            answer = self._get(champion_key(self._model))
        except _NoSuchObject:
            return None
        document = json.loads(answer["Body"].read())
        return document["version"], document["previous"], answer["ETag"]

    def _read(self, key: str, what: str) -> bytes:
        try:
            return bytes(self._get(key)["Body"].read())
        except _NoSuchObject:
            there = ", ".join(self.versions()) or "none"
            raise UserError(f"model {self._model}: there is no {what}; there are: {there}") from None

    def _get(self, key: str) -> Any:
        try:
            return self._platform.client("s3").get_object(Bucket=self._platform.lake_bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                raise _NoSuchObject from None
            raise
