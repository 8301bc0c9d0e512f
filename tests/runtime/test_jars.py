"""The jars: pinned by SHA-256, never fetched twice, and a clear sentence where they cannot be had."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from runtime import jars
from runtime.errors import SetupError
from runtime.settings import Settings


def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", cache=tmp_path / "cache")


@pytest.mark.spark
def test_the_jars_of_this_machine_are_the_pinned_ones() -> None:
    paths = jars.ensure_jars(Settings.from_environment())
    assert [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths] == [jar.sha256 for jar in jars.JARS]
    assert [path.name for path in paths] == [
        "org.apache.iceberg_iceberg-spark-runtime-4.1_2.13-1.11.0.jar",
        "org.xerial_sqlite-jdbc-3.46.1.3.jar",
    ]


@pytest.mark.spark
def test_a_jar_that_was_changed_is_refused_and_removed(tmp_path: Path) -> None:
    there = jars.ensure_jars(Settings.from_environment())
    for source, copy in zip(there, jars.jar_paths(settings(tmp_path)), strict=True):
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, copy)
    first = jars.jar_paths(settings(tmp_path))[0]
    with first.open("ab") as jar:
        jar.write(b"!")
    with pytest.raises(SetupError, match=f"check {first.name}: its SHA-256 is .* it was removed, run it again"):
        jars.ensure_jars(settings(tmp_path))
    assert not first.exists()


@pytest.mark.spark
def test_without_a_repository_the_message_says_what_was_being_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A proxy on a port that nobody listens on is a machine without a network.
    options = "-Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=9 -Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort=9"
    monkeypatch.setitem(os.environ, "JAVA_TOOL_OPTIONS", f"{options} -Duser.home={tmp_path}")
    monkeypatch.setitem(os.environ, "FLEETLAKE_CACHE", str(tmp_path / "cache"))
    with pytest.raises(
        SetupError, match=r"fetch org\.apache\.iceberg:iceberg-spark-runtime-4\.1_2\.13:1\.11\.0,.* Run it again"
    ) as failure:
        jars.ensure_jars(settings(tmp_path))
    assert "\n" not in str(failure.value)
    assert not any(path.exists() for path in jars.jar_paths(settings(tmp_path)))
