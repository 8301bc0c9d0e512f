"""The committed templates of cdk.json's own configuration: ``python -m infra.committed`` writes them, or `make templates`.

They are what a reviewer reads in the diff of a change, and what `cdk diff --template` compares with. The hashes of packages are left
out: they change with every line of the code, and say nothing of what is deployed around it.
"""

import json
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runtime.settings import REPOSITORY

COMMITTED = REPOSITORY / "infra" / "templates"
# Of an asset: a SHA-256 in the key of its object, in the tag of its image.
_HASH = re.compile(r"[0-9a-f]{64}")


def plain(template: Mapping[str, Any]) -> Any:
    return json.loads(_HASH.sub("of-the-package", json.dumps(template)))


def main() -> None:
    # What only reads the templates needs no CDK.
    from infra.app import synthesise

    told = json.loads((REPOSITORY / "cdk.json").read_text())["context"] | {"aws:cdk:bundling-stacks": []}
    with tempfile.TemporaryDirectory() as folder:
        synthesise(told, folder).app.synth()
        COMMITTED.mkdir(exist_ok=True)
        for file in sorted(Path(folder).glob("*.template.json")):
            (COMMITTED / file.name).write_text(json.dumps(plain(json.loads(file.read_text())), indent=1, sort_keys=True) + "\n")
            sys.stdout.write(f"{COMMITTED.relative_to(REPOSITORY) / file.name}\n")


if __name__ == "__main__":
    main()
