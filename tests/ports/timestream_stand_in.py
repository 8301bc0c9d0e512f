"""A stand-in for the clients of Timestream for LiveAnalytics: moto stores records but answers no query, and checks no version.

Calls are checked against botocore's own service models. Records are kept by the rules of WriteRecords (versions, rejects, 100 a
call); queries run on DuckDB, with macros for the two functions of Timestream that we use. What it does not do: retention,
memory and magnetic tier, limits of size and rate, paging, Timestream's SQL where it differs from DuckDB's.
"""

import threading
from collections.abc import Callable
from typing import Any

import botocore.session
import duckdb
from botocore.exceptions import ClientError
from botocore.validate import validate_parameters

_SQL = {"DOUBLE": "DOUBLE", "BIGINT": "BIGINT", "BOOLEAN": "BOOLEAN", "VARCHAR": "VARCHAR"}
_READ: dict[str, Callable[[str], Any]] = {"DOUBLE": float, "BIGINT": int, "BOOLEAN": lambda text: text == "true", "VARCHAR": str}
_DATABASE = "fleet"


def refusal(code: str, operation: str, message: str = "", **members: Any) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}, **members}, operation)


class TimestreamStandIn:
    """Both clients in one. `faults` are raised by the next calls of write_records, whatever they bring."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, Any]] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.faults: list[Exception] = []
        self._records: dict[tuple[str, str, str], tuple[int, dict[str, Any]]] = {}
        self._lock = threading.RLock()
        self._models = {name: botocore.session.get_session().get_service_model(name) for name in ("timestream-write", "timestream-query")}
        self._duck = duckdb.connect()
        self._duck.execute("SET TimeZone = 'UTC'")
        self._duck.execute(f"CREATE SCHEMA {_DATABASE}")
        self._duck.execute("CREATE MACRO to_milliseconds(moment) AS epoch_ms(moment)")
        self._duck.execute("CREATE MACRO from_milliseconds(ms) AS make_timestamp(ms * 1000)")

    def _check(self, service: str, operation: str, arguments: dict[str, Any]) -> None:
        self.calls.append((operation, arguments))
        validate_parameters(arguments, self._models[service].operation_model(operation).input_shape)
        if arguments.get("DatabaseName", _DATABASE) != _DATABASE:
            raise refusal("ResourceNotFoundException", operation, "The database does not exist.")

    def create_table(self, **arguments: Any) -> dict[str, Any]:
        with self._lock:
            self._check("timestream-write", "CreateTable", arguments)
            name = arguments["TableName"]
            if name in self.tables:
                raise refusal("ConflictException", "CreateTable", "Table already exists")
            self.tables[name] = arguments
            self._duck.execute(
                f'CREATE TABLE {_DATABASE}."{name}" (device_id VARCHAR, measure_name VARCHAR, time TIMESTAMP, PRIMARY KEY (device_id, time))'
            )
            return {}

    def describe_table(self, **arguments: Any) -> dict[str, Any]:
        with self._lock:
            self._check("timestream-write", "DescribeTable", arguments)
            self._there(arguments["TableName"], "DescribeTable")
            return {"Table": self.tables[arguments["TableName"]]}

    def update_table(self, **arguments: Any) -> dict[str, Any]:
        with self._lock:
            self._check("timestream-write", "UpdateTable", arguments)
            self._there(arguments["TableName"], "UpdateTable")
            self.tables[arguments["TableName"]] |= arguments
            return {}

    def write_records(self, **arguments: Any) -> dict[str, Any]:
        with self._lock:
            self._check("timestream-write", "WriteRecords", arguments)
            if self.faults:
                raise self.faults.pop(0)
            table = arguments["TableName"]
            self._there(table, "WriteRecords")
            records = [arguments.get("CommonAttributes", {}) | record for record in arguments["Records"]]
            self._duck.execute("BEGIN")
            rejected = [fault for index, record in enumerate(records) if (fault := self._put(table, index, record))]
            self._duck.execute("COMMIT")
            if rejected:
                raise refusal(
                    "RejectedRecordsException", "WriteRecords", "One or more records have been rejected.", RejectedRecords=rejected
                )
            return {"RecordsIngested": {"Total": len(records)}}

    def _put(self, table: str, index: int, record: dict[str, Any]) -> dict[str, Any] | None:
        if record["TimeUnit"] != "MILLISECONDS" or record["MeasureValueType"] != "MULTI":
            return {"RecordIndex": index, "Reason": "this stand-in takes multi-measure records in milliseconds"}
        (dimension,) = record["Dimensions"]
        values = {one["Name"]: one for one in record["MeasureValues"]}
        if dimension["Name"] in values or any(
            name.startswith(("measure_value", "ts_")) or name in ("time", "measure_name") for name in values
        ):
            return {"RecordIndex": index, "Reason": "a measure has the name of another column"}
        key = (table, dimension["Value"], record["Time"])
        version, known = self._records.get(key, (0, {}))
        if known and record["Version"] <= version and known != values:
            return {"RecordIndex": index, "Reason": "A higher version of this record exists.", "ExistingVersion": version}
        if record["Version"] >= version:
            self._records[key] = (record["Version"], values)
            self._store(table, record, dimension["Value"], values)
        return None

    def _store(self, table: str, record: dict[str, Any], device: str, values: dict[str, Any]) -> None:
        name = f'{_DATABASE}."{table}"'
        for one in values.values():
            self._duck.execute(f'ALTER TABLE {name} ADD COLUMN IF NOT EXISTS "{one["Name"]}" {_SQL[one["Type"]]}')
        columns = ", ".join(f'"{column}"' for column in ("device_id", "measure_name", "time", *values))
        marks = ", ".join("?" * len(values))
        row = [_READ[one["Type"]](one["Value"]) for one in values.values()]
        self._duck.execute(f"DELETE FROM {name} WHERE device_id = ? AND time = from_milliseconds(?)", [device, int(record["Time"])])
        sql = f"INSERT INTO {name} ({columns}) VALUES (?, ?, from_milliseconds(?){', ' + marks if marks else ''})"
        self._duck.execute(sql, [device, record["MeasureName"], int(record["Time"]), *row])

    def _there(self, table: str, operation: str) -> None:
        if table not in self.tables:
            raise refusal("ResourceNotFoundException", operation, f"The table {table} does not exist.")

    def get_paginator(self, operation: str) -> "_Pages":
        return _Pages(self, operation)

    def page(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            if operation == "list_tables":
                self._check("timestream-write", "ListTables", arguments)
                return {"Tables": [{"TableName": name} for name in self.tables]}
            self._check("timestream-query", "Query", arguments)
            return self._query(arguments["QueryString"])

    def _query(self, sql: str) -> dict[str, Any]:
        if sql.startswith("DESCRIBE "):
            found = self._duck.execute(sql).fetchall()
            kinds = {"device_id": "DIMENSION", "measure_name": "MEASURE_NAME", "time": "TIMESTAMP"}
            rows = [(name, kind.lower(), kinds.get(name, "MULTI")) for name, kind, *_ in found]
            columns = [("Column", "VARCHAR"), ("Type", "VARCHAR"), ("Timestream attribute type", "VARCHAR")]
        else:
            cursor = self._duck.execute(sql)
            columns = [(name, str(kind).replace("HUGEINT", "BIGINT")) for name, kind, *_ in cursor.description]
            rows = cursor.fetchall()
        return {
            "ColumnInfo": [{"Name": name, "Type": {"ScalarType": kind}} for name, kind in columns],
            "Rows": [{"Data": [_datum(value) for value in row]} for row in rows],
        }


class _Pages:
    def __init__(self, stand_in: TimestreamStandIn, operation: str) -> None:
        self._stand_in, self._operation = stand_in, operation

    def paginate(self, **arguments: Any) -> list[dict[str, Any]]:
        return [self._stand_in.page(self._operation, arguments)]


def _datum(value: Any) -> dict[str, Any]:
    if value is None:
        return {"NullValue": True}
    if isinstance(value, bool):
        return {"ScalarValue": str(value).lower()}
    if hasattr(value, "isoformat"):
        return {"ScalarValue": f"{value:%Y-%m-%d %H:%M:%S.%f}000"}
    return {"ScalarValue": str(value)}
