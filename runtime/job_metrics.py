"""Metrics of Spark jobs, given to CloudWatch by a call: nobody reads a job's output for lines of metrics, as is done with a function's."""

from collections.abc import Mapping

from runtime.log import logger
from runtime.metrics import METRICS, NAMESPACE
from runtime.platforms import Platform

log = logger("metrics")


def put(platform: Platform, values: Mapping[str, float], **dimensions: str) -> None:
    """One call of CloudWatch. A name that is not in METRICS is a KeyError; a CloudWatch that is away costs the figures and nothing else."""
    named = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    data = [{"MetricName": name, "Value": value, "Unit": METRICS[name].unit, "Dimensions": named} for name, value in values.items()]
    try:
        platform.client("cloudwatch").put_metric_data(Namespace=NAMESPACE, MetricData=data)
    except Exception as error:  # noqa: BLE001 - the edge: what is measured is in the tables all the same
        log.warning(f"metrics: {', '.join(values)} cannot be told to CloudWatch: {error}")
