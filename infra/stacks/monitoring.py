"""MonitoringStack: the alarms of `infra/alarms.py`, and one dashboard of what they look at."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.alarms import Alarm, Measure, alarms, shown
from infra.base_stack import BaseStack
from infra.names import Names
from infra.stacks.analytics import AnalyticsStack
from infra.stacks.ecs_api import EcsApiStack
from infra.stacks.foundation import FoundationStack
from lake.contracts import load_contracts
from runtime.settings import REPOSITORY

_WIDTH, _HEIGHT, _COLUMNS = 8, 6, 3


class MonitoringStack(BaseStack):
    def __init__(
        self, scope: Construct, construct_id: str, names: Names, foundation: FoundationStack, api: EcsApiStack, analytics: AnalyticsStack
    ) -> None:
        super().__init__(scope, construct_id, names, "alarms and the dashboard")
        # Without it those that hear nothing of Airflow or of Spark would be raised at once.
        self.add_stack_dependency(analytics)
        contracts = load_contracts(REPOSITORY / "contracts")
        measured = tuple(sorted(name for name, contract in contracts.items() if contract.is_measurement))
        self.alarms = tuple(alarms(names, api.balancer.load_balancer_full_name, measured))
        for alarm in self.alarms:
            self._alarm(alarm, foundation.alarms.topic_arn)
        body = self._dashboard(shown(names, api.balancer.load_balancer_full_name))
        cloudwatch.CfnDashboard(self, "Dashboard", dashboard_name=names.of(""), dashboard_body=self.to_json_string(body))

    def _alarm(self, alarm: Alarm, topic: str) -> None:
        cloudwatch.CfnAlarm(
            self,
            "".join(part.capitalize() for part in alarm.name.split("-")),
            alarm_name=self.names.of(alarm.name),
            alarm_description=f"{alarm.why}; see {alarm.link}",
            comparison_operator="LessThanThreshold" if alarm.is_floor else "GreaterThanThreshold",
            threshold=alarm.limit,
            evaluation_periods=alarm.periods,
            treat_missing_data=alarm.missing,
            alarm_actions=[topic],
            ok_actions=[topic],
            **_measured(alarm.measure),
        )

    def _dashboard(self, besides: Mapping[str, tuple[Measure, ...]]) -> dict[str, Any]:
        """A chart for each section of the runbook: what an operator sees beside what they read."""
        by_section: dict[str, list[Measure]] = defaultdict(list)
        for section, measure in [*((alarm.section, alarm.measure) for alarm in self.alarms), *_pairs(besides)]:
            if measure not in by_section[section]:
                by_section[section].append(measure)
        return {
            "widgets": [
                {
                    "type": "metric",
                    "x": number % _COLUMNS * _WIDTH,
                    "y": number // _COLUMNS * _HEIGHT,
                    "width": _WIDTH,
                    "height": _HEIGHT,
                    "properties": {
                        "title": section,
                        "region": self.names.configuration.region,
                        "view": "timeSeries",
                        "metrics": [_series(measure) for measure in of_section],
                        "period": 300,
                    },
                }
                for number, (section, of_section) in enumerate(by_section.items())
            ]
        }


def _pairs(measures: Mapping[str, tuple[Measure, ...]]) -> Iterator[tuple[str, Measure]]:
    for section, of_section in measures.items():
        yield from ((section, measure) for measure in of_section)


def _measured(measure: Measure) -> dict[str, Any]:
    """What an alarm looks at, as its arguments."""
    if measure.share_of:
        return {"metrics": _share(measure)}
    statistic = {"extended_statistic": measure.statistic} if measure.statistic.startswith("p") else {"statistic": measure.statistic}
    return {
        "namespace": measure.namespace,
        "metric_name": measure.metric,
        "dimensions": _dimensions(measure),
        "period": 60 * measure.minutes,
        **statistic,
    }


def _share(measure: Measure) -> list[cloudwatch.CfnAlarm.MetricDataQueryProperty]:
    part, whole = _query("part", measure, measure.metric), _query("whole", measure, measure.share_of)
    # Of nothing nothing is refused.
    share = cloudwatch.CfnAlarm.MetricDataQueryProperty(
        id="share", expression="IF(whole > 0, part / whole, 0)", label=f"{measure.metric} of {measure.share_of}", return_data=True
    )
    return [part, whole, share]


def _query(query_id: str, measure: Measure, metric: str) -> cloudwatch.CfnAlarm.MetricDataQueryProperty:
    return cloudwatch.CfnAlarm.MetricDataQueryProperty(
        id=query_id,
        return_data=False,
        metric_stat=cloudwatch.CfnAlarm.MetricStatProperty(
            metric=cloudwatch.CfnAlarm.MetricProperty(
                namespace=measure.namespace,
                metric_name=metric,
                dimensions=_dimensions(measure),
            ),
            period=60 * measure.minutes,
            stat=measure.statistic,
        ),
    )


def _dimensions(measure: Measure) -> list[cloudwatch.CfnAlarm.DimensionProperty]:
    return [cloudwatch.CfnAlarm.DimensionProperty(name=name, value=value) for name, value in measure.dimensions.items()]


def _series(measure: Measure) -> list[Any]:
    pairs = [part for pair in measure.dimensions.items() for part in pair]
    return [measure.namespace, measure.metric, *pairs, {"stat": measure.statistic, "period": 60 * measure.minutes}]
