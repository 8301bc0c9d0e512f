"""Athena with answers that a test gives, and the calls that it is asked with."""

from typing import Any

import boto3
from botocore.stub import Stubber

REGION = "us-east-1"


def athena_that_answers(*answers: tuple[str, int]) -> Any:
    """To each question no row, with so many columns of a type."""
    client = boto3.client("athena", region_name=REGION)
    stub = Stubber(client)
    limited = {"WorkGroup": {"Name": "fleetlake", "Configuration": {"BytesScannedCutoffPerQuery": 10_000_000}}}
    stub.add_response("get_work_group", limited)
    for kind, columns in answers:
        stub.add_response("start_query_execution", {"QueryExecutionId": "q"})
        stub.add_response("get_query_execution", {"QueryExecution": {"Status": {"State": "SUCCEEDED"}, "StatementType": "DML"}})
        names = [{"Name": f"c{number}", "Type": kind} for number in range(columns)]
        stub.add_response("get_query_results", {"ResultSet": {"Rows": [], "ResultSetMetadata": {"ColumnInfo": names}}})
    stub.activate()
    return client


def athena_that_does_not_say_how_it_goes() -> Any:
    client = boto3.client("athena", region_name=REGION)
    stub = Stubber(client)
    stub.add_response("get_work_group", {"WorkGroup": {"Name": "fleetlake", "Configuration": {"BytesScannedCutoffPerQuery": 10_000_000}}})
    stub.add_response("start_query_execution", {"QueryExecutionId": "q"})
    stub.add_client_error("get_query_execution", "InternalServerException")
    stub.add_response("stop_query_execution", {})
    stub.activate()
    return client


ATHENA = {
    ("athena", operation)
    for operation in ("GetWorkGroup", "StartQueryExecution", "GetQueryExecution", "GetQueryResults", "StopQueryExecution")
}
