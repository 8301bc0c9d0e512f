"""Requests that schemathesis makes of the OpenAPI document, sent as one of the roles, and each answer checked against the document.

A half of the paths are filled with things that exist, those that an operation would take away with spare ones, which are made again at once.
"""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import hypothesis
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Err, Ok
from schemathesis.core.transport import Response
from schemathesis.generation import GenerationMode
from schemathesis.generation.case import Case
from schemathesis.generation.hypothesis.builder import HypothesisTestConfig, HypothesisTestMode, create_test
from schemathesis.generation.meta import CaseMetadata
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi import checks

from tests.services.live import DEVICES, Live

Operation = APIOperation[Any, Any, Any, Any]
AnyCase = Case[Any]

CHECKS = (
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.unsupported_method,
    checks.allow_header_conformance,
)
# A long poll is answered at once, and lists are no longer than this: what they would cost is time alone.
_MOST_ITEMS = 5
_DELTA = "GET /devices/{device_id}/shadows/delta"
_LISTS = {"POST /api/v1/devices/import": "devices", "POST /batch": "items"}
_MOST_WAIT = 20
_LONGEST = 1_000


@dataclass
class Spares:
    """Things that generated requests may take away: whoever is told that one is gone makes it again."""

    live: Live
    device_ids: list[str] = field(default_factory=list)
    user_ids: list[str] = field(default_factory=list)
    # Its certificates alone are taken away, and nothing but that adds one: a device has ten at most.
    certified: str = ""
    certificate_id: str = ""
    grant_id: str = ""
    denial_id: str = ""

    def __post_init__(self) -> None:
        self.device_ids = [self.live.device() for _ in range(2)]
        self.user_ids = [self.live.user(self.live.fresh("guest")) for _ in range(2)]
        self.certified = self.live.device()
        self.certificate_id = self.live.certificate(self.certified)
        self.grant_id = self.live.grant(self.live.sessions["viewer"].user_id, DEVICES[2])
        self.denial_id = self.live.denial(self.user_ids[0], DEVICES[0])

    def mend(self, operation: str, role: str, path: dict[str, Any]) -> None:
        """Make again what a call that succeeded has taken away."""
        live = self.live
        match operation:
            case "DELETE /api/v1/devices/{device_id}":
                self.device_ids = [live.device() if device_id == path["device_id"] else device_id for device_id in self.device_ids]
            case "DELETE /users/{user_id}":
                self.user_ids = [live.user(live.fresh("guest")) if user_id == path["user_id"] else user_id for user_id in self.user_ids]
                self.denial_id = live.denial(self.user_ids[0], DEVICES[0])
            case "DELETE /api/v1/devices/{device_id}/certificates/{certificate_id}":
                self.certificate_id = live.certificate(self.certified)
            case "DELETE /users/{user_id}/permissions/{grant_id}":
                self.grant_id = live.grant(live.sessions["viewer"].user_id, DEVICES[2])
            case "DELETE /users/{user_id}/denials/{denial_id}":
                self.denial_id = live.denial(self.user_ids[0], DEVICES[0])
            case "POST /auth/sign-out":
                live.sessions[role] = live.sign_in(live.name(role))

    def path(self, operation: str, number: int) -> dict[str, str]:
        """Path parameters that name what is there: the `number`-th of each kind."""
        people = [session.user_id for session in self.live.sessions.values()]
        there = {
            "device_id": list(DEVICES),
            "user_id": people if operation.startswith("GET") else self.user_ids,
            "name": ["config", "fleet"],
            "certificate_id": [self.certificate_id],
            "grant_id": [self.grant_id],
            "denial_id": [self.denial_id],
        }
        there |= self._whose(operation)
        return {name: those[number % len(those)] for name, those in there.items()}

    def _whose(self, operation: str) -> dict[str, list[str]]:
        """What an operation that takes something away may be about."""
        return {
            "DELETE /api/v1/devices/{device_id}": {"device_id": self.device_ids},
            "DELETE /api/v1/devices/{device_id}/certificates/{certificate_id}": {"device_id": [self.certified]},
            "DELETE /users/{user_id}/permissions/{grant_id}": {"user_id": [self.live.sessions["viewer"].user_id]},
            "DELETE /users/{user_id}/denials/{denial_id}": {"user_id": self.user_ids[:1]},
        }.get(operation, {})


@dataclass
class Counts:
    by_role: Counter[str] = field(default_factory=Counter)
    by_status: Counter[str] = field(default_factory=Counter)
    by_phase: Counter[str] = field(default_factory=Counter)
    by_mode: Counter[str] = field(default_factory=Counter)
    # Each caller is signed in: none is refused, but where a token is in the body as well.
    refused_token: Counter[str] = field(default_factory=Counter)
    succeeded: set[str] = field(default_factory=set)
    failures: dict[str, str] = field(default_factory=dict)


@dataclass
class Sender:
    live: Live
    schema: BaseSchema
    spares: Spares
    counts: Counts = field(default_factory=Counts)
    _session: requests.Session = field(default_factory=requests.Session)
    _number: Iterator[int] = field(default_factory=itertools.count)

    def operations(self) -> list[Operation]:
        found = list(self.schema.get_all_operations())
        assert not [each.err() for each in found if isinstance(each, Err)], "the document is understood"
        return [each.ok() for each in found if isinstance(each, Ok)]

    def run(self, operation: Operation, role: str, phases: Sequence[HypothesisTestMode], examples: int, seed: int) -> None:
        def send(case: AnyCase) -> None:
            self.send(case, role)

        settings = hypothesis.settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=False,
            phases=(Phase.explicit, Phase.generate),
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
        )
        config = HypothesisTestConfig(project=self.schema.config, modes=list(phases), settings=settings, seed=seed, apply_ci_profile=False)
        create_test(operation=operation, test_func=send, config=config)()

    def send(self, case: AnyCase, role: str) -> None:
        meta, label = _meta(case), case.operation.label
        mode, phase = meta.generation.mode, meta.phase.name
        self._fit(case)
        response = case.call(session=self._session, headers=self.live.headers(role))
        self.counts.by_role[role] += 1
        self.counts.by_status[str(response.status_code)] += 1
        if response.status_code == 401:
            self.counts.refused_token[label] += 1
        self.counts.by_phase[phase.value] += 1
        self.counts.by_mode[mode.value] += 1
        self._check(case, response)
        if response.status_code // 100 == 2 and response.request.method == label.split()[0]:
            self.counts.succeeded.add(label)
            self.spares.mend(label, role, dict(case.path_parameters))

    def _check(self, case: AnyCase, response: Response) -> None:
        """Of each kind of wrong answer the first is kept, with the curl command that asks for it again."""
        expected = [check for check in CHECKS if check is not checks.negative_data_rejection or not _refuses_an_item(case, response)]
        try:
            case.validate_response(response, expected)
        except FailureGroup as group:
            for failure in group.exceptions:
                self.counts.failures.setdefault(f"{case.operation.label}: {failure.title}: {response.status_code}", str(group))

    def _fit(self, case: AnyCase) -> None:
        number, label = next(self._number), case.operation.label
        if number % 2 and case.path_parameters and _is_good(case, "path"):
            there = self.spares.path(label, number // 2)
            case.path_parameters = {name: there.get(name, value) for name, value in case.path_parameters.items()}
        if number % 4 == 1 and "If-Match" in case.headers:
            case.headers["If-Match"] = "*"
        if label == _DELTA and _waits(case.query.get("wait_seconds", _MOST_WAIT)):
            case.query["wait_seconds"] = 0
        if label in _LISTS and isinstance(case.body, dict):
            case.body = _shortened(case.body, _LISTS[label])


def _refuses_an_item(case: AnyCase, response: Response) -> bool:
    """A malformed item of a bulk operation is refused by itself, in an answer that is good."""
    return case.operation.label in _LISTS and response.status_code == 200 and response.json()["failed"] > 0


def _meta(case: AnyCase) -> CaseMetadata:
    assert case.meta, "what is generated says how"
    return case.meta


def _is_good(case: AnyCase, place: str) -> bool:
    return all(part.mode is GenerationMode.POSITIVE for where, part in _meta(case).components.items() if where.value == place)


def _waits(seconds: Any) -> bool:
    last = seconds[-1] if isinstance(seconds, list) and seconds else seconds
    try:
        return 0 < float(str(last)) <= _MOST_WAIT
    except ValueError:
        return False


def _shortened(body: dict[str, Any], name: str) -> dict[str, Any]:
    """With a few items of a list that is as long as it may be; one that is longer is to be refused."""
    items = body.get(name)
    return body | {name: items[:_MOST_ITEMS]} if isinstance(items, list) and len(items) <= _LONGEST else body


def schema_of(url: str) -> BaseSchema:
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    # The role's token is sent, and no other.
    schema.config.generation.update(with_security_parameters=False)
    return schema
