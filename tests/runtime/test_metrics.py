"""Lines of CloudWatch's embedded metric format, held against what its specification says of their structure.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import io
import json
from pathlib import Path

import pytest

from runtime.metrics import METRICS, Source, emit, quantiles
from runtime.settings import REPOSITORY
from tests.runtime.emf import check_line


def written(**values: float | list[float]) -> dict[str, object]:
    stream = io.StringIO()
    emit(stream, Source.WORKER, values)
    (line,) = stream.getvalue().splitlines()
    return check_line(line)


def test_a_line_has_namespace_dimensions_units_and_values() -> None:
    line = written(readings=3, arrival_seconds=[0.5, 0.25])
    (directive,) = line["_aws"]["CloudWatchMetrics"]  # type: ignore[index]
    assert directive == {
        "Namespace": "fleetlake",
        "Dimensions": [["source"]],
        "Metrics": [{"Name": "readings", "Unit": "Count"}, {"Name": "arrival_seconds", "Unit": "Seconds"}],
    }
    assert (line["source"], line["readings"], line["arrival_seconds"]) == ("worker", 3, [0.25, 0.5])


def test_more_values_than_the_format_takes_become_quantiles_with_the_same_median_and_tail() -> None:
    values = [float(number) for number in range(10_001)]
    shown = quantiles(reversed(values))
    assert (len(shown), shown[0], shown[-1]) == (100, 0.0, 10_000.0)
    assert abs(shown[49] - 5_000) < 102
    assert abs(shown[98] - 9_900) < 102


def test_a_metric_without_a_value_is_left_out() -> None:
    assert "arrival_seconds" not in written(readings=0, arrival_seconds=[])
    stream = io.StringIO()
    emit(stream, Source.WORKER, {"arrival_seconds": []})
    assert stream.getvalue() == ""


def test_the_list_of_names_is_closed() -> None:
    with pytest.raises(KeyError):
        written(messages_lost=1)


@pytest.mark.parametrize("error", [BrokenPipeError(32, "Broken pipe"), ValueError("I/O operation on closed file")])
def test_a_stream_that_cannot_be_written_costs_the_line_alone(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise error

    emit(Broken(), Source.LAMBDA, {"readings": 1})
    assert "metrics: they cannot be written" in caplog.text


def test_a_process_without_an_output_measures_nothing_and_goes_on() -> None:
    # What sys.stdout is where a process was started with its output closed.
    emit(None, Source.WORKER, {"readings": 1})


def test_each_name_is_counted_somewhere() -> None:
    files = [file for folder in ("ingestion", "spark_jobs") for file in Path(REPOSITORY / folder).glob("*.py")]
    code = "".join(file.read_text() for file in files)
    assert [name for name in METRICS if f'"{name}"' not in code and f"{name}=" not in code] == []


@pytest.mark.parametrize(
    "broken",
    [
        "[]",
        '{"readings": 1}',
        '{"_aws": {"Timestamp": 1.5, "CloudWatchMetrics": []}}',
        '{"_aws": {"Timestamp": 1, "CloudWatchMetrics": [{"Namespace": "n", "Dimensions": [["d"]], "Metrics": [{"Name": "a"}]}]}, "a": 1}',
        '{"_aws": {"Timestamp": 1, "CloudWatchMetrics": [{"Namespace": "n", "Dimensions": [[]], "Metrics": [{"Name": "a"}]}]}, "a": "1"}',
        '{"_aws": {"Timestamp": 1, "CloudWatchMetrics": [{"Namespace": "n", "Dimensions": [[]], "Metrics": [{"Name": "a", "Unit": "Furlongs"}]}]}, "a": 1}',
        '{"_aws": {"Timestamp": 1, "CloudWatchMetrics": [{"Namespace": "", "Dimensions": [[]], "Metrics": [{"Name": "a"}]}]}, "a": 1}',
        '{"_aws": {"Timestamp": 1, "CloudWatchMetrics": [{"Namespace": "n", "Dimensions": [[]], "Metrics": [{"Name": "a"}]}]}, "a": NaN}',
        json.dumps(
            {
                "_aws": {"Timestamp": 1, "CloudWatchMetrics": [{"Namespace": "n", "Dimensions": [[]], "Metrics": [{"Name": "a"}]}]},
                "a": [0] * 101,
            }
        ),
    ],
)
def test_the_check_itself_refuses_what_the_specification_does(broken: str) -> None:
    with pytest.raises(AssertionError):
        check_line(broken)
