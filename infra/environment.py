"""The environment of our processes on AWS: the settings that are not their defaults."""

from collections.abc import Mapping

from infra.names import Names
from runtime.settings import PREFIX


def variables(names: Names, known_to_aws: Mapping[str, str]) -> dict[str, str]:
    """Variables by name; `known_to_aws` are settings whose values are tokens of the synthesis."""
    return dict(sorted((names.settings.changed() | {PREFIX + name.upper(): value for name, value in known_to_aws.items()}).items()))
