"""Device shadows: the engine against the reference model through random steps, and many writers of one shadow over HTTP.

It runs in rounds; the full proof keeps the outcome of each that has ended in ``build/proof-shadow/``, so that one that was broken
off goes on with the next. A round by itself: ``model_round(NUMBER, Size.FULL)``, ``race_over_http(Size.FULL)``.
"""

import json
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from tests.cloud import Cloud, running_cloud
from tests.fleet.shadow.duel import Counts, play
from tests.fleet.shadow.engine_side import EngineSide
from tests.fleet.shadow.writers import race
from tests.proofs import Size
from tests.proofs._journey import say
from tests.proofs._rounds import Rounds

WHAT = (
    "120,000 random steps, of each kind and answer 50 or more: the engine and a model written by another hand answer the same, record and all; "
    "64 writers x 1,000 updates over HTTP: versions exactly +1, none lost."
)
CODE = ("fleet/shadow",)
SEED = 6

_ROUNDS = {Size.SMALL: 1, Size.FULL: 20}
_STEPS = {Size.SMALL: 2_000, Size.FULL: 6_000}
_LEAST = {Size.SMALL: 1, Size.FULL: 50}
_WRITERS = {Size.SMALL: 8, Size.FULL: 64}
_UPDATES = {Size.SMALL: 50, Size.FULL: 1_000}
_COUNTERS = ("kinds", "traits", "answers", "messages")


def prove(size: Size) -> dict[str, Any]:
    kept = Rounds("shadow", (*CODE, "local", "tests/fleet/shadow", "tests/proofs"), SEED)
    done = kept.done() if size is Size.FULL else {}
    for number in (number for number in range(_ROUNDS[size] + 1) if number not in done):
        say(f"round {number + 1} of {_ROUNDS[size]}" if number < _ROUNDS[size] else "the race")
        done[number] = model_round(number, size) if number < _ROUNDS[size] else race_over_http(size)
        if size is Size.FULL:
            kept.keep(number, done[number])
    counts = total([done[number] for number in range(_ROUNDS[size])], _LEAST[size]) | {"race": done[_ROUNDS[size]]}
    if size is Size.FULL:
        kept.forget()
    return counts


def model_round(number: int, size: Size) -> dict[str, Any]:
    return play(f"{SEED}-{number}", _STEPS[size], EngineSide).told()


def total(rounds: list[dict[str, Any]], least: int) -> dict[str, Any]:
    """The sums; every kind, trait, answer and refusal that there is must have occurred `least` times."""
    sums = {name: sum((Counter(told[name]) for told in rounds), Counter[str]()) for name in _COUNTERS}
    missing = Counts(sums["kinds"], sums["traits"], sums["answers"], sums["messages"]).missing(least)
    assert not missing, f"too few of {missing}"
    numbers = {name: sum(told[name] for told in rounds) for name in ("steps", "shadows", "deltas")}
    return numbers | {name: dict(sorted(told.items())) for name, told in sums.items()} | {"differences": 0}


def race_over_http(size: Size) -> dict[str, Any]:
    """By boto3 against a laptop's cloud; in the end the shadow has what each writer wrote last."""
    with tempfile.TemporaryDirectory(prefix="fleetlake-shadow-") as folder, running_cloud(Path(folder)) as cloud:
        cloud.platform.client("iot").create_thing(thingName="engine-race")
        shadows, began = _client(cloud, _WRITERS[size]), time.monotonic()

        def update(writer: int, number: int) -> int:
            payload = json.dumps({"state": {"reported": {f"writer-{writer}": number}}})
            answer = shadows.update_thing_shadow(thingName="engine-race", payload=payload)
            return int(json.loads(answer["payload"].read())["version"])

        counts = race(update, _WRITERS[size], _UPDATES[size])
        told = json.loads(shadows.get_thing_shadow(thingName="engine-race")["payload"].read())
    assert told["version"] == counts["updates"]
    assert told["state"]["reported"] == {f"writer-{writer}": _UPDATES[size] - 1 for writer in range(_WRITERS[size])}
    assert counts["turns"] > 2 * counts["writers"], f"the writers waited for each other: {counts}"
    return counts | {"seconds": round(time.monotonic() - began)}


def _client(cloud: Cloud, writers: int) -> Any:
    """Which tries nothing twice, for an update that was done and then tried again would move the version by two; and a connection for each writer."""
    settings = cloud.settings
    return boto3.client(
        "iot-data",
        region_name=settings.region,
        endpoint_url=str(cloud.supervisor.endpoints["aws_endpoint"]),
        aws_access_key_id=settings.account,
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 1}, max_pool_connections=writers, read_timeout=120, proxies={}),
    )
