"""One lake query in a process of its own: what goes on here ends with the process, whatever it was."""

import contextlib
import json
import os
import resource
import signal
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any

import duckdb
import pyarrow as pa

from lake.confined import Confined
from lake.contracts import sound_contracts
from lake.query import Stream, stream
from lake.query_tables import QueryTables
from runtime.clock import FixedClock
from runtime.errors import QueryTooLarge
from runtime.platforms import Platform, current_platform
from runtime.settings import Settings
from services.problems import ApiError, TooLarge, of_error
from services.telemetry.render import Form, rendered
from services.telemetry.statement import Statement, permitted

_MIB = 1024 * 1024
# Beyond what DuckDB counts: stacks, arenas that are reserved and not used, Arrow's own.
_SLACK = 1536 * _MIB
# A statement may make an error of any text.
_LONGEST_DETAIL = 2_000
LIMIT = "LimitExceededException"


@dataclass(frozen=True)
class Limits:
    """Of one query: seconds, MiB of memory, bytes of the answer, threads."""

    seconds: float = 30.0
    memory_mib: int = 512
    answer_bytes: int = 10 * 1000 * 1000
    threads: int = 2


@dataclass(frozen=True)
class Job:
    """`devices`: whose rows may be seen; None for everybody's. `now`: when it was asked."""

    settings: Settings
    sql: str
    parameters: tuple[Any, ...]
    as_of: str | None
    limit: int
    form: Form
    is_admin: bool
    devices: frozenset[str] | None
    now: datetime
    limits: Limits


class Late(BaseException):
    """The time is over; whoever handles errors must let it pass."""


def run(sender: Connection, job: Job) -> None:
    """Sends a head (JSON) and a body, and ends this process."""
    begun = time.monotonic()
    try:
        _confine(job.limits)
        head, body = _answered(job)
    except Late:
        head, body = _problem(timed_out(job.limits)), b""
    except (MemoryError, QueryTooLarge) as error:
        words = str(error) or f"query: it needs more than the {job.limits.memory_mib} MiB of memory that it may have; ask for less at once"
        head, body = _problem(TooLarge(words, code=LIMIT)), b""
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told to whoever waits
        # What is closed on the way out, while DuckDB still works, may complain in Late's place.
        is_over = time.monotonic() - begun >= job.limits.seconds
        head, body = _problem(timed_out(job.limits) if is_over else of_error(error), f"{type(error).__name__}: {error}"), b""
    signal.setitimer(signal.ITIMER_REAL, 0)
    with contextlib.suppress(OSError):
        sender.send_bytes(json.dumps(head).encode())
        sender.send_bytes(body)
    # Threads of DuckDB may still work at what nobody waits for.
    os._exit(0)


def timed_out(limits: Limits) -> ApiError:
    return ApiError(
        f"query: it took more than {limits.seconds:g} s and was ended; ask for a shorter time or fewer columns",
        status=408,
        code="QueryTimeoutException",
    )


def _problem(error: ApiError, cause: str = "") -> dict[str, Any]:
    return {
        "status": error.status,
        "code": error.code,
        "detail": error.detail[:_LONGEST_DETAIL],
        "headers": error.headers,
        "cause": cause[:_LONGEST_DETAIL],
    }


def _confine(limits: Limits) -> None:
    """Whatever the query does, it has so much time and memory; and where the machine runs out of memory, this process goes first."""
    signal.signal(signal.SIGALRM, _over)
    signal.setitimer(signal.ITIMER_REAL, limits.seconds)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    size = _address_space()
    if size:
        _limit(resource.RLIMIT_AS, size + limits.memory_mib * _MIB + _SLACK)
    _limit(resource.RLIMIT_CPU, int(limits.seconds * limits.threads) + 5)
    _limit(resource.RLIMIT_CORE, 0)


def _over(_signal: int, _frame: FrameType | None) -> None:
    raise Late


def _address_space() -> int:
    """0 where the machine does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def _limit(kind: int, most: int) -> None:
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (most, most))


def _answered(job: Job) -> tuple[dict[str, Any], bytes]:
    platform = current_platform(job.settings)
    statement = allowed(platform, job)
    with asked(platform, job, statement) as answer:
        # What is left to do reads, and writes into a pipe.
        _limit(resource.RLIMIT_FSIZE, 0)
        table = taken(answer, job.limits.answer_bytes)
    restricted = list(statement.tables) if job.devices is not None else []
    facts = {
        "row_count": table.num_rows,
        "truncated": answer.has_more,
        "rows_left_out": bool(restricted),
        "restricted_tables": restricted,
        "as_of": answer.as_of.isoformat().replace("+00:00", "Z") if answer.as_of else None,
    }
    body = rendered(table, job.form, facts)
    if len(body) > job.limits.answer_bytes:
        raise _too_large(job.limits.answer_bytes)
    return {"status": 200, **facts}, body


def asked(platform: Platform, job: Job, statement: Statement) -> AbstractContextManager[Stream]:
    """The answer to a statement that may be asked."""
    confined = Confined(statement.tables, statement.columns, job.devices, f"{job.limits.memory_mib}MiB", job.limits.threads)
    return stream(
        job.sql,
        as_of=job.as_of,
        platform=platform,
        parameters=job.parameters,
        clock=FixedClock(job.now),
        limit=job.limit,
        confined=confined,
    )


def allowed(platform: Platform, job: Job) -> Statement:
    """Raises Invalid for a statement that may not be asked, Forbidden for a table that is not for everybody."""
    every = QueryTables(platform, sound_contracts(job.settings.contracts_folder)).names
    with duckdb.connect(":memory:", config={"enable_external_access": False, "threads": 1}) as connection:
        return permitted(connection, job.sql, every, is_admin=job.is_admin)


def taken(answer: Stream, most: int) -> pa.Table:
    """The rows of an answer. Raises TooLarge where they are more than `most` bytes as text."""
    batches, size = [], 0
    for batch in answer:
        size += batch.nbytes
        # As text it is rarely smaller than half.
        if size > 2 * most:
            raise _too_large(most)
        batches.append(batch)
    return pa.Table.from_batches(batches, answer.schema)


def _too_large(most: int) -> ApiError:
    return TooLarge(f"query: the answer has more than {most:,} bytes; ask for fewer rows or columns", code=LIMIT)
