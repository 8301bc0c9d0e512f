"""Dollars for 1e9 readings of 200 B: requests counted as boto3 sends them, what comes before the queue by AWS's rules, dated prices.

``python -m benchmarks.dollars [--messages N]``. The worker, the Lambda function and a naive loop take the same readings from the
emulator's queue; every request is counted and measured at boto3's own hooks, tries again included. What is held by the month or
the hour (storage, connections, waiting, CPU) is told apart.
"""

import argparse
import json
import random
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from benchmarks.api_calls import BY_THE_CLOCK, CountingPlatform
from benchmarks.bill import BILLION, Bill, Sent, by_a_mapping, counted
from benchmarks.cloud import Cloud, running
from benchmarks.price_table import AS_OF, PRICES, REGION
from benchmarks.stream import POOL, Stream
from ingestion.contract_folder import ContractFolder
from ingestion.intake import Intake
from ingestion.lambda_handler import Function
from ingestion.worker import Worker
from lake.contracts import load_contracts
from runtime import log

AT_MOST = 39.0
READING_BYTES = 200
# From here on a reading's seq has three digits, and its JSON 200 bytes.
_FIRST = 10_000
_MEMORY_GB = 0.5
_MONTH_SECONDS = 30 * 24 * 3600
_FIELDS = ("vibration_mm_s", "current_l1_a", "current_l2_a", "current_l3_a", "pressure_bar", "temperature_celsius")


@dataclass(frozen=True)
class Told:
    """Two bills of a way, by the two readings of what an action is metered by; and what is not in them, for 1e9 readings."""

    bill: Bill
    dearer: Bill
    reading_bytes: float
    lake_bytes: float
    cpu_dollars: float
    clock: dict[str, int]

    @property
    def storage_dollars(self) -> float:
        """A month of them in the lake."""
        return PRICES["storage"].of(self.lake_bytes * BILLION)


def measure(messages: int) -> list[Told]:
    with tempfile.TemporaryDirectory(prefix="fleetlake-bench-") as folder:
        (Path(folder) / "motor.yaml").write_text(_contract())
        with running(Path(folder)) as cloud:
            packed, single = (motors(Path(folder), pack) for pack in (25, 1))
            told = [
                _told(cloud, "packs of 25, Basic Ingest, worker", packed, messages, True),
                _told(cloud, "packs of 25, Basic Ingest, Lambda, 100 messages at once", packed, messages, True, batch=100),
                _told(cloud, "packs of 25, Basic Ingest, Lambda, 10 at once", packed, messages, True, batch=10),
                _told(cloud, "one by one over the broker, worker", single, messages, False),
                _told(cloud, "one by one over the broker, Lambda, 10 at once", single, messages, False, batch=10),
                _told(cloud, "naive: one by one, an object a message", single, messages, False, naive=True),
            ]
    return told


def _told(cloud: Cloud, shape: str, stream: Stream, messages: int, basic: bool, batch: int = 0, naive: bool = False) -> Told:
    bodies = list(stream.bodies(messages * stream.pack, _FIRST))
    topic = ("$aws/rules/fleetlake_telemetry/" if basic else "") + json.loads(bodies[0])["topic"]
    sent = Sent(stream.pack, stream.payload_bytes(bodies[-1]) + len(topic), len(bodies[-1]), basic)
    platform = CountingPlatform(cloud.settings)
    before = cloud.objects("bronze")
    begun = time.process_time()
    if batch:
        _function(platform, bodies, batch)
    else:
        begun = _from_queue(cloud, platform, bodies, naive)
    seconds = time.process_time() - begun
    readings = messages * stream.pack
    after = (*counted(platform.billed, readings), *(by_a_mapping(sent, batch) if batch else ()))
    size = sum(file.stat().st_size for file in cloud.objects("bronze") - before)
    cpu = PRICES["gb_second"].of(seconds * _MEMORY_GB) if batch else PRICES["vcpu_second"].of(seconds)
    return Told(
        Bill(shape, (*sent.before_the_queue(), *after)),
        Bill(shape, (*sent.before_the_queue(by_written=True), *after)),
        sum(map(len, stream.lines(1_000, _FIRST))) / 1_000,
        size / readings,
        cpu * BILLION / readings,
        {name: count for name, count in platform.requests.items() if name in BY_THE_CLOCK},
    )


def _from_queue(cloud: Cloud, platform: CountingPlatform, bodies: Sequence[str], naive: bool) -> float:
    """Returns the process's CPU time from when the counting began."""
    cloud.fill(bodies)
    worker = None if naive else Worker(platform, ContractFolder(cloud.settings.contracts_folder))
    platform.client("s3")
    url = cloud.queue_url
    platform.forget()
    begun = time.process_time()
    if worker is None:
        _naively(platform, url)
    else:
        threading.Thread(target=_stop_when_empty, args=(cloud, worker), daemon=True).start()
        worker.run()
    return begun


def _stop_when_empty(cloud: Cloud, worker: Worker) -> None:
    while cloud.queued():
        time.sleep(0.2)
    worker.stopping.set()


def _naively(platform: CountingPlatform, url: str) -> None:
    """What a first try looks like: take what a receive gives, an object for each message, delete."""
    sqs, s3 = platform.client("sqs"), platform.client("s3")
    while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in found:
            s3.put_object(Bucket=platform.lake_bucket, Key=f"naive/{message['MessageId']}.json", Body=message["Body"].encode())
        entries = [{"Id": str(i), "ReceiptHandle": message["ReceiptHandle"]} for i, message in enumerate(found)]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)


def _function(platform: CountingPlatform, bodies: Sequence[str], batch: int) -> None:
    """The function's code on the events that a mapping would make; nothing is asked of the queue by it."""
    function = Function(Intake(platform, ContractFolder(platform.settings.contracts_folder)))
    context: Any = SimpleNamespace(invoked_function_arn="", get_remaining_time_in_millis=lambda: 60_000)
    for first in range(0, len(bodies), batch):
        records = [{"messageId": str(i), "body": body, "eventSource": "aws:sqs"} for i, body in enumerate(bodies[first : first + batch])]
        answer = function.handle({"Records": records}, context)
        assert answer == {"batchItemFailures": []}, answer


def motors(folder: Path, pack: int) -> Stream:
    """Readings of 200 B."""
    contract = load_contracts(folder)["motor"]
    rng = random.Random(7)
    lines = []
    for _ in range(POOL):
        values = ",".join(f'"{name}":{_value(rng)}' for name in _FIELDS)
        lines.append(f'{{"ts":1790000000000,"seq":0,{values},"is_running":true,"mode":"regular"}}'.encode())
    return Stream.of_lines(contract, lines, pack)


def _value(rng: random.Random) -> str:
    """Five characters that no zero ends, for JSON of one length."""
    return f"{rng.randrange(10, 50)}.{rng.randrange(0, 10)}{rng.randrange(1, 10)}"


def _contract() -> str:
    fields = "".join(f'  {name}: {{type: float64, unit: "1", min: 0, max: 100, required: true}}\n' for name in _FIELDS)
    rest = "  is_running: {type: bool, required: true}\n  mode: {type: string, enum: [regular, manual], required: true}\n"
    head = "contract: motor\nversion: 1\nkind: measurement\ndescription: A motor that is made for the bill.\n"
    return f"{head}cadence_seconds: 300\nlate_days: 7\nunknown_fields: keep\nfields:\n{fields}{rest}"


def lines_of(told: Sequence[Told]) -> list[str]:
    """As the page has them."""
    text = [
        "| way | $ for 1e9 readings | were actions metered by what they write | CPU, apart | a month in S3, apart |",
        "|---|---|---|---|---|",
    ]
    for one in told:
        stored = f"{one.storage_dollars:.2f}" if one.lake_bytes else "its JSON"
        text.append(f"| {one.bill.shape} | {one.bill.dollars:,.2f} | {one.dearer.dollars:,.2f} | {one.cpu_dollars:.2f} | {stored} |")
    text += ["", "| of the first | amount | price | $ |", "|---|---|---|---|"]
    for line in told[0].bill.lines:
        price = PRICES[line.price]
        text.append(f"| {line.what} | {line.amount:,.0f} | {price.dollars:g} for {price.per:,} ({price.page}) | {line.dollars:.2f} |")
    receives = _MONTH_SECONDS * (1 + 1 / 5)
    text += [
        "",
        f"Prices: {REGION}, {AS_OF}, lists without discount and free tier (`benchmarks/price_table.py`). A reading has {told[0].reading_bytes:.0f} B of JSON. "
        f"Apart, a month: a worker that waits, {PRICES['sqs'].of(receives):.2f} (a receive a second, and one of the error queue every five); "
        f"1,000 devices always connected, {PRICES['connection'].of(1_000 * _MONTH_SECONDS / 60):.2f}.",
    ]
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=800)
    log.configure("WARNING")
    print(f"{datetime.now(UTC):%Y-%m-%d}")
    print("\n".join(lines_of(measure(parser.parse_args().messages))))


if __name__ == "__main__":
    main()
