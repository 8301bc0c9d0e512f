"""Ports of the laptop's cloud: bound before anything is started on them, so that nothing can take them in between."""

import errno
import socket

from runtime.errors import SetupError
from runtime.settings import Settings


def listening_socket(address: str, port: int, what: str, setting: str = "port") -> socket.socket:
    """A bound and listening TCP socket; port 0 takes any free one. Raises SetupError where that cannot be, and names the `setting`."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((address, port))
        bound.listen(256)
    except OSError as error:
        bound.close()
        raise SetupError(f"{what}: cannot listen on {_refusal(address, port, setting, error)}") from None
    return bound


def _refusal(address: str, port: int, setting: str, error: OSError) -> str:
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{address}: no network interface of this machine has it; set another FLEETLAKE_BIND_ADDRESS"
    return f"{address}:{port}: {error.strerror}; set another {setting}, or 0 for any"


def free_port(address: str, preferred: int) -> tuple[int, socket.socket]:
    """`preferred` where it is free, or any free port, with the claim on it. Raises SetupError where there is none."""
    for port in (preferred, *[0] * 10):
        try:
            with listening_socket(address, port, "a free port") as probe:
                found = int(probe.getsockname()[1])
        except SetupError:
            if port:
                continue
            # Not even any port: it is the address, and trying again is no use.
            raise
        held = claim(found)
        if held:
            return found, held
    raise SetupError(f"ports: none is free on {address}; close what holds them")


def claim(port: int) -> socket.socket | None:
    """Hold `port` among the laptop's clouds of this machine, as long as the socket is open; None where another holds it.

    Between the choice of Airflow's port and its listening there lie seconds, in which another home would choose the same. The
    claim is a name of Linux's abstract socket namespace: no file is left behind, whatever ends the process.
    """
    held = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        held.bind(f"\0fleetlake-port-{port}")
    except OSError:
        held.close()
        return None
    return held


def answers(address: str, port: int) -> bool:
    """Whether anybody accepts connections there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex((address, port)) == 0


def reachable(settings: Settings) -> str:
    """The address under which this machine's processes reach what listens on the bind address."""
    return "127.0.0.1" if settings.bind_address == "0.0.0.0" else settings.bind_address
