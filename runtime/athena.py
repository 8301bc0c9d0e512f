"""Athena: SQL over the lake on AWS, in a workgroup that ends a query at so many bytes scanned.

Its SQL is Trino's, where the laptop's is DuckDB's: standard SELECT, joins, windows and `date_trunc` are the same in both. Others
are not: ``x::date`` is ``cast(x as date)``, ``FROM t`` needs its SELECT, ``GROUP BY ALL``, ``QUALIFY``, ``PIVOT`` and ``ASOF JOIN`` are
DuckDB's alone, ``arg_max`` is ``max_by``, ``time_bucket`` is arithmetic on ``to_unixtime``, ``TIMESTAMPTZ '…'`` is ``TIMESTAMP '… UTC'``.
A text compared with a time must be cast there, and names that begin with _ or are words of SQL stand in double quotes.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from runtime.errors import QueryError, RetryLater, SettingsError
from runtime.query_engine import AnswerColumn, EngineAnswer, Row

# https://docs.aws.amazon.com/athena/latest/APIReference/API_GetQueryResults.html
_PAGE_ROWS = 1_000
# https://docs.aws.amazon.com/athena/latest/ug/service-limits.html
_LONGEST_QUERY = 262_144
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.2, 2.0
# Of AthenaError: 1 is the system's own, 2 the user's, 3 any other.
_SYSTEM = 1


class Athena:
    """`client` is boto3's. Raises SettingsError at the first question for a workgroup that sets no limit."""

    def __init__(self, client: Any, workgroup: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._workgroup = workgroup
        self._sleep = sleep
        self._limit: int | None = None

    def ask(self, text: str, parameters: Sequence[Any] = ()) -> EngineAnswer:
        if len(text.encode()) > _LONGEST_QUERY:
            raise QueryError(f"query: {len(text.encode()):,} bytes of SQL; Athena takes {_LONGEST_QUERY:,}: ask for less at once")
        self._scan_limit()
        execution = self._start(text, parameters)
        try:
            done = self._ended(execution)
        except BaseException:
            # Ctrl-C among them: what nobody waits for any more must not scan on.
            self._client.stop_query_execution(QueryExecutionId=execution)
            raise
        self._raise_unless_succeeded(done)
        pages = self._pages(execution)
        first = next(pages)
        columns = tuple(_column(each) for each in first["ResultSetMetadata"]["ColumnInfo"])
        return EngineAnswer(columns, _rows(first, pages, columns, has_head=done.get("StatementType") == "DML"))

    def _scan_limit(self) -> int:
        if self._limit is None:
            configuration = self._client.get_work_group(WorkGroup=self._workgroup)["WorkGroup"]["Configuration"]
            self._limit = int(configuration.get("BytesScannedCutoffPerQuery") or 0)
        if not self._limit:
            raise SettingsError(
                f"settings: FLEETLAKE_ATHENA_WORKGROUP: the workgroup {self._workgroup} has no limit of bytes scanned a query; "
                "set BytesScannedCutoffPerQuery, or name a workgroup that has one"
            )
        return self._limit

    def _start(self, text: str, parameters: Sequence[Any]) -> str:
        given: dict[str, Any] = {"ExecutionParameters": [literal(value) for value in parameters]} if parameters else {}
        try:
            return str(self._client.start_query_execution(QueryString=text, WorkGroup=self._workgroup, **given)["QueryExecutionId"])
        except self._client.exceptions.InvalidRequestException as error:
            raise QueryError(f"query: Athena: {_one_line(error.response['Error']['Message'])}") from None
        except self._client.exceptions.TooManyRequestsException:
            raise RetryLater("query: Athena has as many queries as it takes; ask again in a moment") from None

    def _ended(self, execution: str) -> Mapping[str, Any]:
        pause = _SHORTEST_PAUSE
        while True:
            found: Mapping[str, Any] = self._client.get_query_execution(QueryExecutionId=execution)["QueryExecution"]
            if found["Status"]["State"] not in ("QUEUED", "RUNNING"):
                return found
            self._sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 1.5)

    def _raise_unless_succeeded(self, execution: Mapping[str, Any]) -> None:
        status = execution["Status"]
        reason = _one_line(status.get("StateChangeReason", "no reason is given"))
        if status["State"] == "SUCCEEDED":
            return
        if "scanned limit" in reason.lower():
            scanned = execution.get("Statistics", {}).get("DataScannedInBytes", 0)
            raise QueryError(
                f"query: Athena ended it at {scanned / 1e9:.1f} GB, the workgroup {self._workgroup} lets a query scan "
                f"{self._scan_limit() / 1e9:.1f} GB; narrow it by event_time, or ask for fewer columns"
            )
        if status["State"] == "CANCELLED":
            raise QueryError(f"query: Athena: somebody cancelled it: {reason}")
        error = status.get("AthenaError", {})
        if error.get("Retryable") or error.get("ErrorCategory") == _SYSTEM:
            raise RetryLater(f"query: Athena failed: {reason}; ask again")
        raise QueryError(f"query: Athena: {reason}")

    def _pages(self, execution: str) -> Iterator[Mapping[str, Any]]:
        token: dict[str, str] = {}
        while True:
            answer = self._client.get_query_results(QueryExecutionId=execution, MaxResults=_PAGE_ROWS, **token)
            yield answer["ResultSet"]
            if not answer.get("NextToken"):
                return
            token = {"NextToken": answer["NextToken"]}


def literal(value: Any) -> str:
    """`value` as Trino writes it. Raises QueryError for a type it has no literal of here."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | Decimal):
        return str(value)
    if isinstance(value, float):
        return f"DOUBLE '{value!r}'"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, datetime):
        words = value.astimezone(UTC) if value.tzinfo else value
        return f"TIMESTAMP '{words:%Y-%m-%d %H:%M:%S.%f}{' UTC' if value.tzinfo else ''}'"
    if isinstance(value, date):
        return f"DATE '{value}'"
    raise QueryError(f"query: a parameter is a {type(value).__name__}; give a text, a number, a yes or no, a day or a time")


def _rows(
    first: Mapping[str, Any], others: Iterator[Mapping[str, Any]], columns: Sequence[AnswerColumn], *, has_head: bool
) -> Iterator[Sequence[Row]]:
    rows = _values(first)
    # Of a SELECT the first row is the names of its columns.
    yield rows[1:] if has_head and rows and list(rows[0]) == [column.name for column in columns] else rows
    for page in others:
        yield _values(page)


def _values(page: Mapping[str, Any]) -> list[Row]:
    return [[value.get("VarCharValue") for value in row["Data"]] for row in page["Rows"]]


def _column(info: Mapping[str, Any]) -> AnswerColumn:
    return AnswerColumn(info.get("Label") or info["Name"], info["Type"], info.get("Precision", 0), info.get("Scale", 0))


def _one_line(text: str) -> str:
    return " ".join(text.split()).rstrip(".")
