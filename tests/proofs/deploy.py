"""docs/deploy.md, line by line: a clone, an environment of requirements.txt alone, the CDK's own command, up to the diff with what is committed."""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from infra.committed import COMMITTED
from runtime.settings import REPOSITORY
from tests.proofs import Size

WHAT = "The deployment section in a fresh clone: npm, pip, cdk synth with the packages built, each stack alone, cdk diff with the committed templates."
CODE = ("infra", "cdk.json", "requirements.txt", "requirements/infra.lock", "docs/deploy.md")
SEED = 0

_STACKS = sorted(file.name.removesuffix(".template.json") for file in COMMITTED.glob("*.template.json"))
_PAGE = (REPOSITORY / "docs" / "deploy.md").read_text()
_CLI, _DIFF = re.search(r"npm install -g (aws-cdk@\S+)", _PAGE), re.search(r"`cdk (diff [^`]+)`", _PAGE)


def prove(size: Size) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="fleetlake-deploy-") as name:
        folder = Path(name)
        clone, python = folder / "clone", folder / "environment" / "bin" / "python"
        _run(["git", "clone", "-q", str(REPOSITORY), str(clone)], folder)
        _install(python, clone, by_pip=size is Size.FULL)
        if size is Size.SMALL:
            return {"stacks": _synthesised(python, clone, folder / "out")}
        assert _CLI is not None
        _run(["npm", "install", "--silent", "--prefix", str(folder / "npm"), _CLI[1]], folder)
        return _by_the_cdk(clone, python, folder / "npm" / "node_modules" / ".bin" / "cdk")


def _install(python: Path, clone: Path, by_pip: bool) -> None:
    """By pip as the page says; the small one by uv, which takes seconds."""
    uv = str(Path(sys.executable).parent / "uv")
    _run([uv, "venv", "-q", *(["--seed"] if by_pip else []), "--python", sys.executable, str(python.parent.parent)], clone)
    with_pip = [str(python), "-m", "pip", "install", "-q", "-r", "requirements.txt"]
    with_uv = [uv, "pip", "sync", "-q", "--python", str(python), "--require-hashes", "requirements/infra.lock"]
    _run(with_pip if by_pip else with_uv, clone)


def _synthesised(python: Path, clone: Path, out: Path) -> int:
    """What `cdk synth` runs, without its command and without building packages."""
    told = json.loads((clone / "cdk.json").read_text())["context"] | {"aws:cdk:bundling-stacks": []}
    _run([str(python), "-m", "infra.app"], clone, {"CDK_CONTEXT_JSON": json.dumps(told), "CDK_OUTDIR": str(out)})
    made = sorted(file.name.removesuffix(".template.json") for file in out.glob("*.template.json"))
    assert made == _STACKS
    return len(made)


def _by_the_cdk(clone: Path, python: Path, cdk: Path) -> dict[str, Any]:
    # As an activated environment has it.
    path = {"PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
    _run([str(cdk), "synth", "--all", "--quiet"], clone, path)
    # Behind each is the name that it has in the account.
    listed = [line.split()[0] for line in _run([str(cdk), "list"], clone, path).splitlines()]
    assert sorted(listed) == _STACKS
    assert _DIFF is not None
    resources, differences = {}, {}
    for stack in _STACKS:
        template = json.loads(_run([str(cdk), "synth", stack, "--exclusively", "--json"], clone, path))
        resources[stack] = len(template["Resources"])
        said = _run([str(cdk), *_DIFF[1].replace("IotPocStack", stack).split()], clone, path, stderr=True)
        changed = re.findall(r"^\[[~+-]\] (?!.*Outputs)(\S+)", said, re.MULTILINE)
        # Nothing but what stands for a package's hash.
        differences[stack] = len(changed)
        kinds = {"AWS::Lambda::Function", "AWS::Lambda::LayerVersion", "AWS::ECS::TaskDefinition", "AWS::MWAA::Environment"}
        kinds |= {"Custom::CDKBucketDeployment", "Output"}
        assert set(changed) <= kinds, said
    return {"stacks": len(listed), "resources": resources, "changed_by_package_hashes_alone": differences}


def _run(command: Sequence[str], folder: Path, variables: Mapping[str, str] | None = None, stderr: bool = False) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FLEETLAKE_") and name != "VIRTUAL_ENV"}
    environment |= {"JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20", "CDK_DISABLE_CLI_TELEMETRY": "true", **(variables or {})}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stderr + done.stdout if stderr else done.stdout
