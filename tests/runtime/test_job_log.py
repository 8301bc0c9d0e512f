"""What a job's log says of its end."""

import json

from runtime.job_log import is_final, reason

SPARK = """26/11/28 18:41:50 ERROR Executor: Exception in task 0.0 in stage 3.0 (TID 5)
java.io.IOException: No space left on device
Traceback (most recent call last):
  File "/home/build/main.py", line 140, in <module>
py4j.protocol.Py4JJavaError: An error occurred while calling o77.sql.
: org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage 3.0 failed 1 times: IOException: No space left
Driver stacktrace:
	at org.apache.spark.scheduler.DAGScheduler.abortStage(DAGScheduler.scala:2800)
	... 1 more
""".splitlines()


def said(message: str, **more: int) -> str:
    return json.dumps({"at": "2026-11-28T18:41:50Z", "level": "ERROR", "logger": "fleetlake.main", "message": message, **more})


def test_the_jobs_own_last_word_is_the_reason_whatever_stands_around_it() -> None:
    lines = [*SPARK, said("an aside of a library"), said("silver: run r.1 is held", exit_code=4), "WARNING: the JVM ends", ""]
    assert reason(lines) == "silver: run r.1 is held"
    assert is_final(lines)


def test_a_job_that_may_end_otherwise_next_time_is_tried_again() -> None:
    assert not is_final([said("silver: S3 is away", exit_code=1)])
    assert not is_final(SPARK)
    # What it wrote before it went on.
    assert not is_final([said("a wrong contract is left out")])


def test_of_an_exception_that_nobody_caught_the_failing_stage_is_the_reason() -> None:
    assert reason(SPARK) == "Job aborted due to stage failure: Task 0 in stage 3.0 failed 1 times: IOException: No space left"


def test_without_a_failing_stage_it_is_the_exception_and_else_the_last_line() -> None:
    assert reason(["Traceback", "ValueError: no", "  at somewhere"]) == "ValueError: no"
    assert reason(["Killed", "", "  "]) == "Killed"
    assert reason([]) == ""


def test_a_line_that_only_looks_like_the_jobs_own_is_none() -> None:
    assert reason(['{"exit_code": 4', "[]", '{"exit_code": 4}']) == '{"exit_code": 4}'
    assert not is_final(['{"exit_code": 4}'])
