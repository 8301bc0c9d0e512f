"""The recorder at the client factories: what it notes of a call, how often, and that it is off unless it is told a folder."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ParamValidationError
from moto import mock_aws

from runtime.aws import AwsPlatform
from runtime.local import LocalPlatform
from runtime.recorder import noted
from runtime.settings import RECORDED_CALLS, REPOSITORY, Settings


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv(RECORDED_CALLS, str(tmp_path))
    return tmp_path


def lines(folder: Path) -> list[str]:
    return sorted(line for file in folder.glob("*.csv") for line in file.read_text().splitlines())


def platform() -> AwsPlatform:
    return AwsPlatform(Settings(platform="aws"))


def ask(client: Any) -> None:
    """A call that botocore refuses before it sends anything."""
    with pytest.raises(ParamValidationError):
        client.get_queue_url()


@pytest.mark.parametrize("made", [platform, lambda: LocalPlatform(Settings(aws_endpoint="http://127.0.0.1:9"))], ids=["aws", "local"])
def test_a_call_of_a_client_of_either_platform_is_noted(folder: Path, made: Any) -> None:
    ask(made().client("sqs"))
    assert lines(folder) == ["sqs,GetQueueUrl,"]


@mock_aws
def test_our_modules_on_the_way_to_a_call_are_noted_and_those_of_tests_and_libraries_are_not(folder: Path) -> None:
    platform().alarm_topic_arn()
    assert lines(folder) == ["sts,GetCallerIdentity,runtime.aws"]


def test_a_call_is_noted_once_whoever_repeats_it(folder: Path) -> None:
    client = platform().client("sqs")
    threads = [threading.Thread(target=ask, args=(client,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ask(platform().client("sqs"))
    assert lines(folder) == ["sqs,GetQueueUrl,"]


def test_without_a_folder_a_client_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(RECORDED_CALLS)
    client = object()
    assert noted(client) is client


_CHILD = """
import contextlib
from runtime.aws import AwsPlatform
from runtime.settings import Settings
with contextlib.suppress(Exception):
    AwsPlatform(Settings(platform="aws")).client("sqs").get_queue_url()
"""


def test_a_child_process_notes_in_a_file_of_its_own(folder: Path) -> None:
    ask(platform().client("sqs"))
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    subprocess.run([sys.executable, "-c", _CHILD], env=environment, check=True)
    files = list(folder.glob("*.csv"))
    assert len(files) == 2
    assert {file.read_text() for file in files} == {"sqs,GetQueueUrl,\n"}
