"""Makes Airflow's database and its tables, or brings them up to the installed version: ``python -m local.airflow_setup``."""

import subprocess
import sys
from contextlib import closing
from importlib.metadata import version

from local.airflow_environment import data_folder, socket_folder
from local.entry import run
from runtime.settings import Settings


def main() -> int:
    settings = Settings.from_environment()
    _create_database(str(socket_folder(settings)))
    # Looking whether there is something to migrate takes Airflow four seconds; a note takes none. The time of a database is
    # that of its content: handing it to another user, as root does at each start, does not change it.
    stamp = settings.home / "airflow" / "migrated"
    state = f"{version('apache-airflow')} {(data_folder(settings) / 'PG_VERSION').stat().st_mtime_ns}"
    if stamp.exists() and stamp.read_text() == state:
        return 0
    code = subprocess.run([sys.executable, "-m", "local.airflow", "db", "migrate"], check=False).returncode
    if code == 0:
        stamp.write_text(state)
    return code


def _create_database(sockets: str) -> None:
    import psycopg2

    with closing(psycopg2.connect(host=sockets, user="postgres", dbname="postgres")) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = 'airflow'")
            if cursor.fetchone() is None:
                cursor.execute("CREATE DATABASE airflow")


if __name__ == "__main__":
    run(main)
