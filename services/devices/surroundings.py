"""What a search needs to know of devices beside the registry: their shadows, when they were last seen, whether they are connected."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

from fleet.tables import SHADOWS
from lake.contracts import sound_contracts
from runtime.platforms import Platform
from runtime.timeseries import epoch_ms
from services.items import plain
from services.problems import Invalid

# Up to so many things each is asked for by itself; for more the table is read as a whole.
_FEW = 25
# What is no name of a shadow stands for the classic one, which has none.
_SHADOW_NAME = re.compile(r"[$a-zA-Z0-9:_-]{1,64}")


class Surroundings:
    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def shadows(self, device_ids: Collection[str]) -> Mapping[str, Mapping[str, Any]]:
        """Of each device that has any, its documents by name ("" for the classic one), as the cache has them."""
        found: dict[str, dict[str, Any]] = {}
        for item in self._cached(device_ids):
            record = plain(item)
            if record["thing_name"] in device_ids and isinstance(text := record.get("document"), str):
                name = record["shadow_name"] if _SHADOW_NAME.fullmatch(record["shadow_name"]) else ""
                found.setdefault(record["thing_name"], {})[name] = json.loads(text)
        return found

    def _cached(self, device_ids: Collection[str]) -> Iterator[Mapping[str, Any]]:
        dynamodb, table = self._platform.client("dynamodb"), SHADOWS.full_name(self._platform.settings)
        if len(device_ids) > _FEW:
            asked: list[dict[str, Any]] = [{}]
        else:
            asked = [
                {"KeyConditionExpression": "thing_name = :thing", "ExpressionAttributeValues": {":thing": {"S": device_id}}}
                for device_id in device_ids
            ]
        for of_one in asked:
            for page in dynamodb.get_paginator("query" if of_one else "scan").paginate(TableName=table, **of_one):
                yield from page["Items"]

    def last_seen(self, device_ids: Collection[str]) -> dict[str, int]:
        """Epoch milliseconds of the newest reading of each that the time-series store has one of, of whatever kind.

        Raises ServiceError where the store does not answer.
        """
        seen: dict[str, int] = {}
        store = self._platform.time_series()
        for series in self._series:
            for device_id, point in store.latest(series, sorted(device_ids)).items():
                seen[device_id] = max(seen.get(device_id, 0), epoch_ms(point.time))
        return seen

    @cached_property
    def _series(self) -> list[str]:
        return sorted(sound_contracts(self._platform.settings.contracts_folder))

    def connected(self) -> frozenset[str]:
        """Names of the things that are connected now, as AWS IoT's fleet index has it. Raises Invalid where that index is off."""
        iot = self._platform.client("iot")
        names: set[str] = set()
        page: dict[str, Any] = {}
        while True:
            try:
                answer = iot.search_index(queryString="connectivity.connected:true", maxResults=100, **page)
            except ClientError as error:
                if error.response["Error"]["Code"] in ("ResourceNotFoundException", "IndexNotReadyException", "InvalidQueryException"):
                    raise Invalid(_NO_INDEX, code="InvalidQueryException") from None
                raise
            names |= {thing["thingName"] for thing in answer.get("things", [])}
            if not answer.get("nextToken"):
                return frozenset(names)
            page = {"nextToken": answer["nextToken"]}


_NO_INDEX = (
    "query: connectivity.connected is answered by AWS IoT's fleet index, which is not on; turn on thingConnectivityIndexingMode STATUS "
    "by UpdateIndexingConfiguration"
)
