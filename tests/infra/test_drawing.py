"""The picture of the cloud side: what the templates hold, and nothing besides."""

import json
from xml.etree import ElementTree

from infra.committed import COMMITTED
from infra.drawing import TARGET, draw
from infra.flows import Flow, flows, nodes

TEMPLATES = {file.name.removesuffix(".template.json"): json.loads(file.read_text()) for file in COMMITTED.glob("*.template.json")}


def named(source: str, kind: str) -> set[str]:
    """Labels of what flows so from what has this label."""
    shown = nodes(TEMPLATES)
    labels = {node.key: node.label for of_stack in shown.values() for node in of_stack}
    return {labels[flow.target] for flow in flows(TEMPLATES, shown) if labels[flow.source] == source and flow.kind == kind}


def test_the_committed_picture_is_drawn_from_the_committed_templates() -> None:
    assert TARGET.read_text() == draw(TEMPLATES)


def test_it_is_a_picture_that_says_where_a_message_goes() -> None:
    ElementTree.fromstring(draw(TEMPLATES))
    assert named("fleetlake_dev_telemetry", "carries") == {"fleetlake-dev-telemetry"}
    assert named("fleetlake_dev_telemetry", "gives up") == {"fleetlake-dev-telemetry-errors"}
    assert named("fleetlake-dev-telemetry", "carries") == {"fleetlake-dev-ingest"}
    assert named("fleetlake-dev-telemetry", "gives up") == {"fleetlake-dev-telemetry-dead"}
    assert named("fleetlake-dev-auth-api", "writes") == {f"fleetlake-dev-{table}" for table in ("audit", "grants", "requests")}
    assert named("fleetlake-dev-ingest", "writes") == {"fleetlake-dev-lake-111122223333-eu-central-1", "fleetlake-dev-series"}


def test_what_no_template_holds_is_not_drawn() -> None:
    queue = {
        "Type": "AWS::SQS::Queue",
        "Properties": {"QueueName": "q", "RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": ["Gone", "Arn"]}}},
    }
    templates = {"IotPocStack": {"Resources": {"Queue": queue}}}
    assert flows(templates, nodes(templates)) == []
    assert Flow("IotPocStack/Queue", "IotPocStack/Gone", "gives up") not in flows(templates, nodes(templates))
