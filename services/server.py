"""Serves the APIs by uvicorn: ``python -m services.server [PART …]``; without parts, those of the settings.

It binds its own socket and tells its address in ``{home}/run/api.json`` on a laptop.
"""

import socket
import sys
from collections.abc import Collection, Sequence

import uvicorn

from runtime import log
from runtime.errors import FleetlakeError, SetupError
from runtime.platforms import current_platform
from runtime.settings import Settings
from services.application import create, parts_of
from services.composition import Services
from services.heartbeat import beat

# As long as ECS's load balancer keeps a connection, and a little: else it would send a request into one that closes.
_KEEP_ALIVE_SECONDS = 75
_DRAIN_SECONDS = 10
_BACKLOG = 2048


def main(parts: Sequence[str]) -> None:
    settings = Settings.from_environment()
    log.configure(settings.log_level)
    serve(Services(current_platform(settings)), parts or parts_of(settings))


def serve(services: Services, parts: Collection[str]) -> None:
    """Until SIGTERM or SIGINT. Raises SetupError where it cannot listen."""
    settings = services.settings
    app = create(services, parts)
    bound = _socket(settings)
    if settings.platform == "local":
        beat(settings, "api", port=bound.getsockname()[1])
    config = uvicorn.Config(
        app,
        log_config=None,
        # Our own says the same and more.
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
        # Behind a load balancer its address is not the caller's.
        proxy_headers=settings.platform == "aws",
        forwarded_allow_ips="*",
    )
    uvicorn.Server(config).run(sockets=[bound])


def _socket(settings: Settings) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((settings.bind_address, settings.api_port))
        # Before its address is told: who reads that may connect at once.
        bound.listen(_BACKLOG)
    except OSError as error:
        bound.close()
        where = f"{settings.bind_address}:{settings.api_port}"
        raise SetupError(f"API: cannot listen on {where}: {error.strerror}; set another FLEETLAKE_API_PORT, or 0 for any") from None
    return bound


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except FleetlakeError as error:
        sys.exit(str(error))
