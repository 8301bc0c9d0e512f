"""From counted requests to dollars for 1e9 readings: arithmetic alone."""

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.price_table import IOT_UNIT, PRICES, SQS_UNIT, units

BILLION = 1_000_000_000
# What a queue gives or takes in one call.
_TEN = 10


@dataclass(frozen=True)
class Line:
    """`amount` of what `price` names, for 1e9 readings."""

    what: str
    price: str
    amount: float

    @property
    def dollars(self) -> float:
        return PRICES[self.price].of(self.amount)


@dataclass(frozen=True)
class Bill:
    shape: str
    lines: tuple[Line, ...]

    @property
    def dollars(self) -> float:
        return sum(line.dollars for line in self.lines)


@dataclass(frozen=True)
class Sent:
    """A device's message of `pack` readings: bytes of payload and topic, and of what the rule writes to the queue (0: to no queue)."""

    pack: int
    message: int
    written: int
    basic_ingest: bool

    @property
    def messages(self) -> float:
        return BILLION / self.pack

    def before_the_queue(self, by_written: bool = False) -> tuple[Line, ...]:
        """What AWS IoT and the queue's taking it cost. `by_written`: were actions metered by what they write."""
        metered = units(self.message, IOT_UNIT) * self.messages
        acted = units(self.written, IOT_UNIT) * self.messages if by_written else metered
        broker = () if self.basic_ingest else (Line("messages over the broker", "message", metered),)
        rule = (Line("rules triggered", "rule", metered), Line("actions executed", "action", acted))
        taken = (Line("SendMessage, by the rule", "sqs", units(self.written, SQS_UNIT) * self.messages),) if self.written else ()
        return (*broker, *rule, *taken)


def counted(billed: Mapping[str, int], readings: int) -> tuple[Line, ...]:
    """Requests that moved so many readings, as lines for 1e9."""
    words = {"sqs": "receives and deletes, counted", "put": "PUTs, counted", "get": "other requests of S3, counted"}
    return tuple(Line(words[name], name, amount * BILLION / readings) for name, amount in sorted(billed.items()) if amount)


def by_a_mapping(sent: Sent, batch: int) -> tuple[Line, ...]:
    """What Lambda does to the queue and the account is billed for, by AWS's rule: receives and deletes of ten, an invocation a batch."""
    receives = units(_TEN * sent.written, SQS_UNIT) * sent.messages / _TEN
    return (
        Line("receives and deletes by the mapping", "sqs", receives + sent.messages / _TEN),
        Line(f"invocations, {batch} messages each", "invocation", sent.messages / batch),
    )
