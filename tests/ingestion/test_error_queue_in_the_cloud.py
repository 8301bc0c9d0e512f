"""A rule that cannot deliver: its messages take the way over the error queue, and the law holds."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lake.law import Place, verify
from local.cloud_resources import create
from local.simulator.fleet import simulate
from local.simulator.plan import Plan
from tests.cloud import running_cloud

pytestmark = pytest.mark.cloud
END = datetime(2026, 3, 1, tzinfo=UTC)


def test_what_the_rule_cannot_deliver_is_in_the_lake_all_the_same(tmp_path: Path) -> None:
    with running_cloud(tmp_path, ("emulator", "worker"), batch_seconds=0.2) as cloud:
        iot, name = cloud.platform.client("iot"), cloud.settings.rule_name
        rule = iot.get_topic_rule(ruleName=name)["rule"]
        action = rule["actions"][0]["sqs"]
        gone = [{"sqs": action | {"queueUrl": action["queueUrl"] + "-that-is-gone"}}]
        payload = {key: rule[key] for key in ("sql", "awsIotSqlVersion", "ruleDisabled", "errorAction")} | {"actions": gone}
        iot.replace_topic_rule(ruleName=name, topicRulePayload=payload)
        faults = {"out_of_range": 0.05, "broken_json": 0.05}
        plan = Plan({"pump": 2}, END - timedelta(hours=3), END, seed=3, faults=faults, pack=5)
        sent = simulate(cloud.platform, plan)
        verdict = verify(cloud.platform, [sent.truth_file], wait_seconds=40)
        verdict.check()
        assert verdict.place(Place.WAITING) + verdict.place(Place.QUARANTINED) == verdict.sent > 30
        assert verdict.place(Place.QUARANTINED) > 1
        assert verdict.surprised == 0
        # The fault fired: no message came by the telemetry queue, which the worker counts.
        log = (cloud.settings.home / "logs" / "worker.log").read_text()
        assert "the rule could not deliver" in log
        # Put right again by what makes the cloud's resources.
        create(cloud.platform)
        assert iot.get_topic_rule(ruleName=name)["rule"]["actions"][0]["sqs"]["queueUrl"] == action["queueUrl"]
