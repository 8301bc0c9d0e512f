"""A Spark job as a child of a command, with a small program in Spark's place."""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from cli.spark_job import run_spark_job
from runtime.errors import JobError
from runtime.local import LocalPlatform
from runtime.settings import Settings

SAY = 'import json, sys; say = lambda level, text, logger="fleetlake.silver": print(json.dumps(dict(level=level, logger=logger, message=text)), file=sys.stderr); '


class Instead(LocalPlatform):
    """Runs a small program where it would run Spark; the job's arguments are the program's."""

    def __init__(self, home: Path, program: str) -> None:
        super().__init__(dataclasses.replace(Settings.from_environment(), home=home))
        self.program = program

    def spark_command(self, arguments: Sequence[str]) -> list[str]:
        return [sys.executable, "-c", SAY + self.program, *arguments]


def test_the_jobs_last_sentence_is_given_back(tmp_path: Path) -> None:
    program = 'say("INFO", "run " + sys.argv[1]); say("INFO", "a library chatters", "py4j")'
    assert run_spark_job(Instead(tmp_path, program), ["accept"], "x") == "run accept"


def test_a_job_that_fails_says_why_in_its_own_words(tmp_path: Path) -> None:
    program = 'say("ERROR", "accept: stuck again"); say("INFO", "bye"); sys.exit(1)'
    with pytest.raises(JobError, match=r"^accept: stuck again$"):
        run_spark_job(Instead(tmp_path, program), [], "x")


def test_a_job_that_dies_without_a_word_is_told_by_its_last_line(tmp_path: Path) -> None:
    program = 'print("OutOfMemoryError: Java heap space", file=sys.stderr); print("\\tat a.b", file=sys.stderr); sys.exit(3)'
    with pytest.raises(JobError, match=r"quality accept r: .*exit code 3; its last words: OutOfMemoryError"):
        run_spark_job(Instead(tmp_path, program), [], "quality accept r")


def test_the_child_has_the_settings_of_the_command(tmp_path: Path) -> None:
    program = 'import os; say("INFO", os.environ["FLEETLAKE_HOME"])'
    assert run_spark_job(Instead(tmp_path, program), [], "x") == str(tmp_path)
