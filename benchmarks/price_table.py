"""What AWS asks for, with the date and the page of each price. Lists of us-east-1, first tier, no free tier, no discount.

The prices were copied by hand; nothing here asks AWS.
"""

from dataclasses import dataclass

AS_OF = "2026-11-25"
REGION = "us-east-1"
MILLION = 1_000_000


@dataclass(frozen=True)
class Price:
    """US dollars for `per` of `what`; `page` is the path of AWS's price page."""

    dollars: float
    per: int
    what: str
    page: str

    def of(self, amount: float) -> float:
        return amount / self.per * self.dollars


PRICES = {
    "message": Price(1.00, MILLION, "MQTT message of up to 5 KB over the broker; none with Basic Ingest", "iot-core/pricing"),
    "rule": Price(0.15, MILLION, "rule triggered, for each 5 KB of the message", "iot-core/pricing"),
    "action": Price(0.15, MILLION, "action executed, for each 5 KB of the message", "iot-core/pricing"),
    "connection": Price(0.08, MILLION, "minute of a connection", "iot-core/pricing"),
    "sqs": Price(0.40, MILLION, "request of a standard queue, for each 64 KB of its payload", "sqs/pricing"),
    "put": Price(5.00, MILLION, "PUT or LIST of S3 Standard", "s3/pricing"),
    "get": Price(0.40, MILLION, "GET of S3 Standard", "s3/pricing"),
    "storage": Price(0.023, 1_000_000_000, "GB and month of S3 Standard", "s3/pricing"),
    "invocation": Price(0.20, MILLION, "request of Lambda", "lambda/pricing"),
    "gb_second": Price(0.0000133334, 1, "GB-second of Lambda, arm64", "lambda/pricing"),
    "vcpu_second": Price(0.03238 / 3600, 1, "vCPU-second of Fargate, arm64", "fargate/pricing"),
}

# How AWS cuts what it meters, in bytes.
IOT_UNIT = 5 * 1024
SQS_UNIT = 64 * 1024


def units(size: float, unit: int) -> int:
    """How many units a request of so many bytes is; an empty one is one too."""
    return max(1, -(-int(size) // unit))
