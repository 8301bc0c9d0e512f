"""The settings of a deployment: ``cdk deploy --all --outputs-file outputs.json && python -m infra.outputs outputs.json > .env``."""

import dataclasses
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from infra.base_stack import output_of
from infra.edge import exit_code
from runtime.errors import UserError
from runtime.settings import PREFIX, Settings


def settings_of(file: Path) -> Iterator[tuple[str, str]]:
    """Variable and value of each output that is a setting. Raises UserError for a file that is none of outputs."""
    variables = {output_of(field.name): PREFIX + field.name.upper() for field in dataclasses.fields(Settings)}
    try:
        for outputs in json.loads(file.read_text()).values():
            yield from ((variables[name], str(value)) for name, value in outputs.items() if name in variables)
    except (OSError, ValueError, AttributeError) as error:
        raise UserError(f"outputs: {file} is no file of `cdk deploy --outputs-file`: {error}") from None


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 1:
        sys.stderr.write("outputs: give the file that `cdk deploy --outputs-file` wrote\n")
        return 2

    def work() -> None:
        found = dict(settings_of(Path(arguments[0]))) | {f"{PREFIX}PLATFORM": "aws"}
        sys.stdout.writelines(f"{name}={value}\n" for name, value in sorted(found.items()))

    return exit_code(work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
