"""Alarms look at metrics that exist, and say where to read on."""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from infra.alarms import FUNCTIONS, RUNBOOK, Alarm, alarms, shown
from infra.configuration import Configuration
from infra.names import Names
from runtime.metrics import METRICS, NAMESPACE
from runtime.settings import REPOSITORY
from tests.infra.synthesis import Synthesis, context

NAMES = Names(Configuration.from_context(context()))
BY_WORKER = Names(Configuration.from_context(context(ingestion="fargate")))
BALANCER = "app/balancer/1"


def ours(names: Names = NAMES) -> Iterator[Alarm]:
    return alarms(names, BALANCER, ("pump",))


def alarms_in(cloud_side: Synthesis) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Those that wake somebody: others are what a service scales by."""
    return ((name, alarm) for name, alarm in cloud_side.resources("AWS::CloudWatch::Alarm") if name.startswith("MonitoringStack/"))


def test_each_alarm_links_to_a_section_of_the_runbook() -> None:
    """The anchor that GitHub makes of a heading: lower case, blanks to hyphens, without signs."""
    headings = re.findall(r"^## (.+)$", (REPOSITORY / "docs" / "runbook.md").read_text(), re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert {alarm.link.removeprefix(RUNBOOK) for names in (NAMES, BY_WORKER) for alarm in ours(names)} <= anchors


def test_our_own_metrics_are_those_that_the_code_emits() -> None:
    own = {(alarm.measure.metric, alarm.measure.share_of) for alarm in ours() if alarm.measure.namespace == NAMESPACE}
    assert own == {("readings_quarantined", "readings"), ("silver_lag_seconds", ""), ("runs_held", ""), ("devices_fell_silent", "")}
    assert {name for pair in own for name in pair if name} <= set(METRICS)
    # That each of METRICS is emitted somewhere tests/runtime/test_metrics.py holds.


def test_metrics_of_aws_are_those_that_it_documents() -> None:
    with (REPOSITORY / "infra" / "aws_metrics.csv").open() as file:
        known = {(row["namespace"], row["metric"], tuple(row["dimensions"].split(";"))) for row in csv.DictReader(file)}
    looked_at = [alarm.measure for names in (NAMES, BY_WORKER) for alarm in ours(names)]
    looked_at += [measure for names in (NAMES, BY_WORKER) for measures in shown(names, BALANCER).values() for measure in measures]
    used = {(each.namespace, each.metric, tuple(sorted(each.dimensions))) for each in looked_at if each.namespace != NAMESPACE}
    assert used <= known
    assert known - used == set(), "the list has what nobody looks at"


def test_alarms_have_names_of_their_own() -> None:
    names = [alarm.name for alarm in ours()]
    assert len(names) == len(set(names))


def test_every_function_and_service_of_ours_has_alarms(cloud_side: Synthesis) -> None:
    made = {
        str(properties["FunctionName"]).split("-", 2)[2]
        for _, properties in cloud_side.resources("AWS::Lambda::Function")
        if "FunctionName" in properties
    }
    assert made == set(FUNCTIONS)
    services = {str(properties["ServiceName"]).split("-", 2)[2] for _, properties in cloud_side.resources("AWS::ECS::Service")}
    assert services in ({"api"}, {"api", "worker"})
    names = {str(properties["AlarmName"]) for _, properties in alarms_in(cloud_side)}
    for service in services:
        assert sum(name.endswith((f"-{service}-cpu", f"-{service}-memory")) for name in names) == 2, service
    assert any(name.endswith("-worker-absent") for name in names) == ("worker" in services)


def test_what_the_alarms_look_at_is_what_the_stacks_make(cloud_side: Synthesis) -> None:
    """A queue, function or gateway that is renamed leaves no alarm on the old name."""
    made = json.dumps([template for stack, template in cloud_side.templates.items() if stack != "MonitoringStack"])
    looked_at = 0
    for name, alarm in alarms_in(cloud_side):
        for dimension in alarm.get("Dimensions", ()):
            if dimension["Name"] in ("QueueName", "FunctionName", "ApiName", "ClusterName", "ServiceName", "Environment"):
                looked_at += 1
                assert f'"{dimension["Value"]}"' in made, (name, dimension)
    assert looked_at > 20


def test_each_alarm_tells_the_topic_when_it_begins_and_when_it_is_over(cloud_side: Synthesis) -> None:
    found = list(alarms_in(cloud_side))
    assert len(found) > 30
    for name, alarm in found:
        assert alarm["AlarmActions"] == alarm["OKActions"] != [], name


def test_the_dashboard_shows_every_metric_that_has_an_alarm(cloud_side: Synthesis) -> None:
    ((_, dashboard),) = cloud_side.resources("AWS::CloudWatch::Dashboard")
    body = json.dumps(dashboard["DashboardBody"])
    assert [alarm.measure.metric for alarm in ours() if alarm.measure.metric not in body] == []


@pytest.mark.parametrize(("names", "source"), [(NAMES, "lambda"), (BY_WORKER, "worker")])
def test_metrics_are_read_where_they_are_written(names: Names, source: str) -> None:
    """What ingests gives its lines the dimension `source`, a job the dimension `contract`: tests/infra/test_reached_calls.py sees both."""
    measures = [alarm.measure for alarm in ours(names)] + [each for measures in shown(names, BALANCER).values() for each in measures]
    own = [measure for measure in measures if measure.namespace == NAMESPACE]
    assert len(own) > 6
    for measure in own:
        ingested = measure.metric.startswith(("readings", "arrival", "timeseries"))
        assert measure.dimensions == ({"source": source} if ingested else {"contract": "pump"}), measure
