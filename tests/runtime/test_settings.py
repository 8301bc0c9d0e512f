"""Settings: read once from the environment, refused by name, and the same again in a child process."""

from pathlib import Path

import pytest

from runtime.errors import SettingsError
from runtime.settings import Settings


def test_a_variable_sets_the_field_of_its_name() -> None:
    settings = Settings.from_environment(
        {"FLEETLAKE_AIRFLOW_PORT": "8099", "FLEETLAKE_SPARK_QUICK": "no", "FLEETLAKE_BATCH_SECONDS": "0.5"}
    )
    assert (settings.airflow_port, settings.spark_quick, settings.batch_seconds) == (8099, False, 0.5)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("FLEETLAKE_AIRFLOW_PORT", "many", "FLEETLAKE_AIRFLOW_PORT is 'many'; it must be a whole number"),
        ("FLEETLAKE_SPARK_QUICK", "perhaps", "it must be true or false"),
        ("FLEETLAKE_PLATFORM", "moon", "it must be local or aws"),
        ("FLEETLAKE_LAEK_BUCKET", "x", "FLEETLAKE_LAEK_BUCKET is no setting"),
    ],
)
def test_a_wrong_variable_is_refused_by_name(name: str, value: str, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({name: value})
    assert words in str(caught.value)


def test_a_child_process_gets_the_same_settings(tmp_path: Path) -> None:
    settings = Settings.from_environment({"FLEETLAKE_HOME": str(tmp_path), "FLEETLAKE_DEBUG": "true", "FLEETLAKE_LAKE_BUCKET": "other"})
    assert Settings.from_environment(settings.environment()) == settings


def test_folders_are_absolute_wherever_the_process_stands() -> None:
    settings = Settings.from_environment({"FLEETLAKE_HOME": "state", "FLEETLAKE_CACHE": "~/cache"})
    assert settings.home == Path.cwd() / "state"
    assert settings.cache == Path.home() / "cache"
