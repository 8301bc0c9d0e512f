"""The comparison of what a run of tests recorded with the committed list, and how that list is written anew."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from runtime.settings import RECORDED_CALLS, REPOSITORY
from tests.recorded_calls import differences, is_whole, recorded, taken_over

PUT, GET, LIST = ("spark", "s3", "PutObject"), ("spark", "s3", "GetObject"), ("spark", "s3", "ListObjectsV2")


def test_a_call_that_is_not_listed_is_told_with_the_command_that_lists_it_after_any_run() -> None:
    for whole in (True, False):
        (sentence,) = differences({PUT, GET}, {PUT}, whole)
        assert "the role spark calls GetObject of s3" in sentence
        assert "`python -m tests.recorded_calls`" in sentence


def test_a_listed_call_that_is_not_made_is_told_after_a_whole_run_alone() -> None:
    assert differences({PUT}, {PUT, GET}, is_whole=False) == []
    (sentence,) = differences({PUT}, {PUT, GET}, is_whole=True)
    assert "no test any more sees that the role spark calls GetObject of s3" in sentence


def test_a_whole_run_takes_the_lists_place_and_a_part_comes_beside_it() -> None:
    used = {PUT: "stubbed", GET: "run"}
    assert taken_over({PUT, LIST}, used, is_whole=True) == {PUT: "stubbed", LIST: "run"}
    assert taken_over({PUT, LIST}, used, is_whole=False) == {PUT: "stubbed", GET: "run", LIST: "run"}


def test_what_all_processes_of_a_run_noted_is_taken_together(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("s3,PutObject,spark_jobs.erase lake.objects\ns3,DeleteObject,cli.lake\n")
    (tmp_path / "2.csv").write_text("s3,GetObject,spark_jobs.score models.registry\nsqs,SendMessage,\n")
    assert recorded(tmp_path) == {PUT, GET}


@pytest.mark.parametrize(
    ("chosen", "source", "whole"),
    [
        ({}, "TESTPATHS", True),
        ({"markexpr": "not spark"}, "TESTPATHS", False),
        ({"keyword": "shadow"}, "TESTPATHS", False),
        ({"collectonly": True}, "TESTPATHS", False),
        ({}, "ARGS", False),
    ],
)
def test_a_run_is_whole_where_nothing_was_chosen(chosen: dict[str, Any], source: str, whole: bool) -> None:
    config: Any = SimpleNamespace(
        getoption=lambda name, default: chosen.get(name, default), args_source=getattr(pytest.Config.ArgsSource, source)
    )
    assert is_whole(config) is whole


_CONFTEST = """
from pathlib import Path
from tests import recorded_calls
recorded_calls.RUNS = Path(__file__).parent / "runs"
def pytest_configure(config):
    config.pluginmanager.register(recorded_calls.RecordedCalls(config))
"""
# Airflow reads logs of S3, and nothing of Systems Manager.
_TEST = """
from contextlib import suppress
from types import SimpleNamespace
import boto3
from runtime.emr_log import DriverLog
def test_a_log():
    client = boto3.client("ssm", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
    with suppress(Exception):
        DriverLog(SimpleNamespace(get_object=lambda **_: client.{call}), "s3://code", "a", "j").last_lines(1)
"""


@pytest.mark.parametrize(
    ("call", "code", "words"),
    [
        ("get_parameter()", pytest.ExitCode.TESTS_FAILED, "the role airflow calls GetParameter of ssm"),
        ("no_such_call()", pytest.ExitCode.OK, "1 passed"),
    ],
)
def test_a_run_fails_for_a_new_call_although_its_tests_pass(tmp_path: Path, call: str, code: int, words: str) -> None:
    (tmp_path / "conftest.py").write_text(_CONFTEST)
    (tmp_path / "test_log.py").write_text(_TEST.format(call=call))
    environment = {name: value for name, value in os.environ.items() if name != RECORDED_CALLS} | {"PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == code, done.stdout
    assert words in done.stdout
    assert "1 passed" in done.stdout
