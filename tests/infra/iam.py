"""What is known of IAM's actions: our committed lists, and AWS's own list as cfn-lint carries it."""

import csv
import functools
import json
from collections import defaultdict
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from runtime.settings import REPOSITORY


def rows(name: str) -> list[dict[str, str]]:
    """Of a committed list in `infra`."""
    with (REPOSITORY / "infra" / name).open(newline="") as file:
        return list(csv.DictReader(file))


def actions_of_operations() -> Mapping[tuple[str, str], set[str]]:
    """Of a service's operation, the actions that a role needs for it; none where no role signs the call."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows("iam_actions.csv"):
        found[row["service"], row["operation"]] |= {row["action"]} - {""}
    return found


def actions_of_services() -> Mapping[str, set[str]]:
    """What services of AWS, the JVM and libraries do under each role."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows("service_actions.csv"):
        for role in row["roles"].split():
            found[role].add(row["action"])
    return found


@functools.cache
def _known() -> Mapping[str, Any]:
    known: dict[str, Any] = json.loads((files("cfnlint") / "data/AdditionalSpecs/Policies.json").read_text())
    return known


def exists(action: str) -> bool:
    service, _, name = action.partition(":")
    return name.lower() in _known().get(service, {}).get("Actions", {})


def arn_formats(action: str) -> list[str]:
    """Patterns of the resources that an action may be held to; none where IAM knows none."""
    service, _, name = action.partition(":")
    of_service = _known()[service]
    kinds = {kind.lower() for kind in of_service["Actions"][name.lower()].get("Resources", ())}
    return [pattern for kind, resource in of_service["Resources"].items() if kind.lower() in kinds for pattern in resource["ARNFormats"]]
