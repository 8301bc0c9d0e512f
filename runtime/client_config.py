"""What every boto3 client is made with, wherever it runs."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.config import Config

# botocore puts its own together anew for each call, which is a fifth of what a small call costs.
_USER_AGENT = "fleetlake"
# No connection of a healthy service takes longer. The longest answer that is waited for is a receive of 5 s, and S3 answers the put of a
# batch within one or two; botocore's own 60 s, five times over, would hold a stopping worker or a Lambda function far beyond its end.
CONNECT_SECONDS, READ_SECONDS = 5, 15
RETRIES: dict[str, Any] = {"mode": "standard", "max_attempts": 5}


def client_config(**more: Any) -> "Config":
    # Imported here: DAG files import the platforms and must stay light.
    from botocore.config import Config

    return Config(retries=RETRIES, connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, user_agent=_USER_AGENT, **more)
