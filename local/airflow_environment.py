"""Airflow's configuration on a laptop, as environment variables: three processes, LocalExecutor, an embedded PostgreSQL.

Whatever of it must outlast a restart (keys, the password of the login) is made once, in files only the owner can read.
"""

import base64
import hashlib
import json
import secrets
import tempfile
from pathlib import Path

from local.authority import write_secret
from local.machine import compute_slots
from local.ports import reachable
from runtime.settings import Settings

USER = "admin"
# Beside the tasks that take a core each, for those that take a moment: the pool of the former does not hold up the latter.
_LIGHT_TASKS = 1
# The kernel takes 107 bytes of path for a Unix socket; PostgreSQL's file name takes 18 of them.
_SOCKET_FOLDER_BYTES = 107 - 18


def variables(settings: Settings) -> dict[str, str]:
    folder = settings.home / "airflow"
    url = base_url(settings)
    return {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__DAGS_FOLDER": str(settings.dags_folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": str(compute_slots(settings) + _LIGHT_TASKS),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(_passwords_file(settings)),
        "AIRFLOW__CORE__FERNET_KEY": _secret(folder / "fernet.key"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        # A task whose runner was killed with the machine is given up after a minute, not five: its DAG's next run waits for that.
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
        "AIRFLOW__API__HOST": settings.bind_address,
        "AIRFLOW__API__PORT": str(settings.airflow_port),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__SECRET_KEY": _secret(folder / "api.key"),
        "AIRFLOW__API_AUTH__JWT_SECRET": _secret(folder / "jwt.key"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://postgres:@/airflow?host={socket_folder(settings)}",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(settings.home / "logs" / "airflow"),
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AIRFLOW_CONN_SPARK_DEFAULT": json.dumps({"conn_type": "spark", "host": settings.spark_master}),
    }


def base_url(settings: Settings) -> str:
    return f"http://{reachable(settings)}:{settings.airflow_port}"


def login(settings: Settings) -> tuple[str, str]:
    """User and password of the UI and the REST API."""
    return USER, str(json.loads(_passwords_file(settings).read_text())[USER])


def data_folder(settings: Settings) -> Path:
    return settings.home / "airflow" / "postgresql"


def socket_folder(settings: Settings) -> Path:
    """Where PostgreSQL's socket lies: beside its data, or where the path is short enough."""
    folder = settings.home / "airflow" / "socket"
    if len(str(folder).encode()) <= _SOCKET_FOLDER_BYTES:
        return folder
    digest = hashlib.sha256(str(settings.home).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"fleetlake-{digest}"


def _passwords_file(settings: Settings) -> Path:
    """Other users of the machine reach the loopback interface too, so the password is nobody's guess."""
    file = settings.home / "airflow" / "passwords.json"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        write_secret(file, json.dumps({USER: secrets.token_urlsafe(9)}))
    return file


def _secret(file: Path) -> str:
    """32 random bytes in base64, the form of a Fernet key."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        write_secret(file, base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
    return file.read_text()
