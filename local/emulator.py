"""Starts the emulator of AWS (ministack) in this process: ``python -m local.emulator``.

It binds its own sockets, tells its addresses in ``{home}/run/emulator.json``, keeps all its state under ``{home}/cloud`` and
writes it down every few seconds, since the emulator itself does so only on a clean exit. What makes it safe to use is
`local.emulator_hardening`; this module must set the environment before anything of the emulator is imported.
"""

import asyncio
import json
import os
import shutil
import signal
import socket
import time
from pathlib import Path
from typing import Any

from fleet.shadow.engine import Limits
from local.authority import Authority
from local.entry import run
from local.files import write_whole
from local.ports import listening_socket
from runtime import log
from runtime.settings import Settings

_FLUSH_SECONDS = 2.0
# Saving blocks the emulator's loop, and a long backlog takes long to save: it may cost at most this share of the time.
_FLUSH_SHARE = 0.1
# AWS IoT takes 128 KiB a message; the buffer also holds the next chunk read from the socket.
_MESSAGE_BYTES = (128 + 64) * 1024

_log = log.logger("emulator")


def environment(settings: Settings, http_port: int, mqtt_port: int) -> dict[str, str]:
    """What ministack reads from the environment, at import."""
    cloud = settings.home / "cloud"
    return {
        "GATEWAY_PORT": str(http_port),
        "IOT_MTLS_PORT": str(mqtt_port),
        "IOT_MTLS_ENABLED": "1",
        "IOT_WS_FRAME_MAX_BYTES": str(_MESSAGE_BYTES),
        "BIND_HOST": settings.bind_address,
        "SFTP_ENABLED": "0",
        "TMPDIR": str(cloud / "tmp"),
        "STATE_DIR": str(cloud / "state"),
        "PERSIST_STATE": "1",
        "S3_DATA_DIR": str(cloud / "s3"),
        "S3_PERSIST": "1",
        "MINISTACK_REGION": settings.region,
        "MINISTACK_ACCOUNT_ID": settings.account,
        "LOG_LEVEL": "WARNING",
        # It sweeps containers of a docker daemon that it finds; those are not ours.
        "DOCKER_HOST": f"unix://{cloud / 'no-docker.sock'}",
    }


def main() -> None:
    settings = Settings.from_environment()
    log.configure("DEBUG" if settings.log_level == "DEBUG" else "WARNING")
    http = listening_socket(settings.bind_address, settings.aws_port, "AWS endpoint of the laptop's cloud", "FLEETLAKE_AWS_PORT")
    mqtt = listening_socket(settings.bind_address, settings.mqtt_port, "MQTT broker of the laptop's cloud", "FLEETLAKE_MQTT_PORT")
    _prepare_folders(settings.home / "cloud")
    os.environ.update(environment(settings, http.getsockname()[1], mqtt.getsockname()[1]))
    authority = Authority.at(settings.home / "authority")

    # Only now: it reads its environment at import.
    from local import emulator_hardening

    emulator_hardening.apply(authority, mqtt, settings.bind_address, Limits(depth=settings.shadow_depth))
    asyncio.run(_serve(settings, http, mqtt, authority))


def _prepare_folders(cloud: Path) -> None:
    # Lambda leaves its folders here.
    shutil.rmtree(cloud / "tmp", ignore_errors=True)
    for name in ("tmp", "state", "s3"):
        (cloud / name).mkdir(parents=True, exist_ok=True)


async def _serve(settings: Settings, http: socket.socket, mqtt: socket.socket, authority: Authority) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack import app

    config = Config()
    config.bind = [f"fd://{http.fileno()}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 2
    config.loglevel = "WARNING"
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    flushing = asyncio.create_task(_flush_state(app))
    _announce(settings, http, mqtt, authority)
    await serve(app.app, config, shutdown_trigger=stopping.wait)  # type: ignore[arg-type]
    flushing.cancel()


def _announce(settings: Settings, http: socket.socket, mqtt: socket.socket, authority: Authority) -> None:
    facts = {
        "pid": os.getpid(),
        "aws_port": http.getsockname()[1],
        "mqtt_port": mqtt.getsockname()[1],
        "ca_file": str(authority.certificate_file),
    }
    write_whole(settings.home / "run" / "emulator.json", json.dumps(facts))


async def _flush_state(app: Any) -> None:
    """Save the emulator's state again and again, so that killing it loses seconds, not everything; and tell the queues' ages."""
    from ministack.core.persistence import save_all

    from local import queue_ages

    pause = _FLUSH_SECONDS
    while True:
        await asyncio.sleep(pause)
        begun = time.monotonic()
        queue_ages.record()
        # On the loop's own thread: elsewhere it would save dictionaries that change under it.
        save_all(app._build_persistence_save_dict())
        pause = max(_FLUSH_SECONDS, (time.monotonic() - begun) / _FLUSH_SHARE)


if __name__ == "__main__":
    run(main)
