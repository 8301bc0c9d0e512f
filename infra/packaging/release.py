"""What a release is made of, and what is known against it: ``python -m infra.packaging.release sbom|audit``, or `make sbom`, `make audit`."""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from infra.edge import exit_code
from infra.packaging.package import DEFAULT_OUT
from runtime.errors import ServiceError, SetupError
from runtime.settings import REPOSITORY

# Each is a package or an image; MWAA's own libraries are AWS's.
LOCKS = ("ingest", "api-function", "api-image", "worker", "spark", "training")


def sbom(tools: Path, out: Path) -> str:
    """One CycloneDX document a lock, the same for the same lock; where they lie. Raises SetupError where one is not valid."""
    out.mkdir(parents=True, exist_ok=True)
    told = ""
    for lock in LOCKS:
        target = out / f"{lock}.cdx.json"
        command = [str(tools / "cyclonedx-py"), "requirements", "--pyproject", "pyproject.toml", "--output-reproducible", "--validate"]
        done = _run([*command, "--output-file", str(target), f"requirements/{lock}.lock"])
        if done.returncode:
            raise SetupError(f"SBOM of {lock}.lock: {done.stderr.strip()}")
        told += f"{target}: {len(json.loads(target.read_text())['components'])} libraries\n"
    return told


def audit(tools: Path, database: str) -> str:
    """That nothing is known. Raises ServiceError where the database did not answer for a library, UserError's kin for a vulnerability."""
    files = [argument for lock in LOCKS for argument in ("--requirement", f"requirements/{lock}.lock")]
    command = [str(tools / "pip-audit"), "--no-deps", "--disable-pip", "--progress-spinner", "off", "--format", "json"]
    done = _run([*command, "--vulnerability-service", database, *files])
    return judged(done.stdout, done.stderr, database)


def judged(told: str, complaint: str, database: str) -> str:
    """Of pip-audit's JSON. A library that it skipped is one of which nothing is known, which is not: nothing is wrong."""
    try:
        libraries: list[dict[str, Any]] = json.loads(told)["dependencies"]
    except ValueError:
        reason = complaint.strip().splitlines()[-1:] or ["it said nothing"]
        raise ServiceError(f"audit: the advisory database {database} cannot be reached, nothing was audited: {reason[0]}") from None
    named = {f"{library['name']} {library.get('version', '')}".strip(): library for library in libraries}
    found = [f"{name}: {found['id']}" for name, library in named.items() for found in library.get("vulns", ())]
    if found:
        raise SetupError("audit: known vulnerabilities:\n" + "\n".join(f"  {line}" for line in sorted(found)))
    skipped = sorted(name for name, library in named.items() if "skip_reason" in library)
    if skipped:
        whole = (
            "was not asked about any of them, or cannot be reached"
            if len(skipped) == len(named)
            else f"knows nothing of {', '.join(skipped)}"
        )
        raise ServiceError(f"audit: {len(skipped)} of {len(named)} libraries were not audited: the advisory database {database} {whole}")
    return f"{len(named)} libraries, nothing known against them ({database})\n"


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="release", description="List the libraries of a release, or look for what is known against them.")
    parser.add_argument("what", choices=["sbom", "audit"])
    parser.add_argument("--tools", type=Path, required=True, help="folder of cyclonedx-py and pip-audit")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT / "sbom", help="folder of the SBOM (default: build/sbom)")
    parser.add_argument("--database", choices=["pypi", "osv"], default="pypi", help="the audit's advisory database (default: pypi)")
    asked = parser.parse_args(arguments)
    tools = asked.tools.absolute()

    def work() -> None:
        sys.stdout.write(sbom(tools, asked.out) if asked.what == "sbom" else audit(tools, asked.database))

    return exit_code(work)


if __name__ == "__main__":
    sys.exit(main())
