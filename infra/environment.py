"""The environment of our processes on AWS: the settings that are not their defaults."""

from collections.abc import Mapping

from infra.names import Names
from runtime.settings import PREFIX, Settings


def changed(settings: Settings) -> dict[str, str]:
    """Variables of the settings that are not their defaults."""
    usual = Settings().environment()
    return {name: value for name, value in settings.environment().items() if value != usual[name]}


def variables(names: Names, known_to_aws: Mapping[str, str]) -> dict[str, str]:
    """Variables by name; `known_to_aws` are settings whose values are tokens of the synthesis."""
    return dict(sorted((changed(names.settings) | {PREFIX + name.upper(): value for name, value in known_to_aws.items()}).items()))
