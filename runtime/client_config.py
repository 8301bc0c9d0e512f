"""What every boto3 client is made with, wherever it runs."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.config import Config

# botocore puts its own together anew for each call, which is a fifth of what a small call costs.
_USER_AGENT = "fleetlake"


def client_config(**more: Any) -> "Config":
    # Imported here: DAG files import the platforms and must stay light.
    from botocore.config import Config

    return Config(retries={"mode": "standard", "max_attempts": 5}, user_agent=_USER_AGENT, **more)
