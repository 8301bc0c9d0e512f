"""Figures of jobs, as CloudWatch takes them."""

from typing import Any

import pytest

from runtime.job_metrics import put


class _Platform:
    """Gives a CloudWatch that takes figures, or is away."""

    def __init__(self, away: bool = False) -> None:
        self.taken: list[Any] = []
        self._away = away

    def client(self, service: str) -> Any:
        assert service == "cloudwatch"
        return self

    def put_metric_data(self, **call: Any) -> None:
        if self._away:
            raise ConnectionError("nobody there")
        self.taken.append(call)


def test_a_job_gives_its_figures_to_cloudwatch_with_their_units() -> None:
    platform = _Platform()
    put(platform, {"silver_lag_seconds": 90.0}, contract="pump")  # type: ignore[arg-type] # what put asks of a platform
    datum = {"MetricName": "silver_lag_seconds", "Value": 90.0, "Unit": "Seconds", "Dimensions": [{"Name": "contract", "Value": "pump"}]}
    assert platform.taken == [{"Namespace": "fleetlake", "MetricData": [datum]}]


def test_a_cloudwatch_that_is_away_costs_the_figures_alone(caplog: pytest.LogCaptureFixture) -> None:
    put(_Platform(away=True), {"runs_held": 1}, contract="pump")  # type: ignore[arg-type] # what put asks of a platform
    assert "runs_held cannot be told to CloudWatch: nobody there" in caplog.text


def test_a_figure_of_no_known_metric_is_a_defect() -> None:
    with pytest.raises(KeyError):
        put(_Platform(), {"readins": 1})  # type: ignore[arg-type] # what put asks of a platform
