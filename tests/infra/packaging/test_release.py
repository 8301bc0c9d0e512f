"""What the audit says of pip-audit's answers; `make proof-packages` makes the real SBOM and asks the real databases."""

import json
from collections.abc import Mapping

import pytest

from infra.packaging.release import judged, main
from runtime.errors import ServiceError, SetupError


def answer(*libraries: Mapping[str, object]) -> str:
    return json.dumps({"dependencies": libraries, "fixes": []})


GOOD = {"name": "boto3", "version": "1.43.1", "vulns": []}
BAD = {"name": "urllib3", "version": "1.0", "vulns": [{"id": "CVE-2099-1", "fix_versions": ["2.0"]}]}
SKIPPED = {"name": "numpy", "skip_reason": "Dependency not found and could not be audited: numpy (2.4.6)"}


def test_of_libraries_without_a_vulnerability_it_says_how_many() -> None:
    assert judged(answer(GOOD, GOOD), "", "pypi") == "1 libraries, nothing known against them (pypi)\n"


def test_a_vulnerability_is_named_with_its_library_even_where_others_were_skipped() -> None:
    with pytest.raises(SetupError, match=r"known vulnerabilities:\n  urllib3 1.0: CVE-2099-1$"):
        judged(answer(GOOD, BAD, SKIPPED), "", "pypi")


def test_libraries_that_were_skipped_are_not_taken_for_good_ones() -> None:
    with pytest.raises(ServiceError, match="1 of 2 libraries were not audited: the advisory database pypi knows nothing of numpy"):
        judged(answer(GOOD, SKIPPED), "", "pypi")


def test_a_database_that_knows_none_of_them_was_not_reached() -> None:
    with pytest.raises(ServiceError, match=r"1 of 1 libraries were not audited: the advisory database pypi .* cannot be reached"):
        judged(answer(SKIPPED), "", "pypi")


def test_a_database_that_does_not_answer_is_told_with_its_reason() -> None:
    with pytest.raises(
        ServiceError, match="the advisory database osv cannot be reached, nothing was audited: ConnectionError: no such host"
    ):
        judged("", "Traceback\nConnectionError: no such host\n", "osv")


def test_without_its_tools_the_command_says_so(capsys: pytest.CaptureFixture[str], tmp_path: object) -> None:
    assert main(["sbom", "--tools", str(tmp_path), "--out", str(tmp_path)]) == 1
    assert "cyclonedx-py" in capsys.readouterr().err
