"""What the Lambda function is made of: the modules of ours that its handler can reach, and the files of libraries it does without."""

import ast
import fnmatch
from collections.abc import Iterator
from pathlib import Path

from runtime.settings import REPOSITORY

HANDLER = "ingestion.lambda_handler"
OURS = ("runtime", "lake", "ingestion")
# Reachable in the text alone: what a laptop, Airflow or Spark needs of the platforms.
_NOT_THERE = ("runtime.local", "runtime.aws_tasks")
# Clients that the function makes, and the one that botocore makes for a role.
_SERVICES = ("s3", "sqs", "lambda", "sts", "timestream-write")
# Headers, sources, tests, and parts of Arrow that nothing here imports: Flight and its own S3 client (boto3 puts objects).
# Of a library's three names only the one that the loader asks for is kept; a zip has no links.
_STRIPPED = (
    *("*/tests/*", "*/include/*", "*.pyi", "*.pyx", "*.pxd", "*.pxi", "*.h", "*.c", "*.cpp", "*.a", "*.cmake", "*.dist-info/RECORD"),
    *("pyarrow/src/*", "pyarrow/includes/*", "pyarrow/libarrow_python.so", "pyarrow/libarrow_python.so.*.*.*"),
    *("pyarrow/libarrow_flight*", "pyarrow/_flight*", "pyarrow/_s3fs*", "pyarrow/libarrow_s3*"),
    *("numpy/f2py/*", "numpy/distutils/*", "boto3/examples/*", "bin/*", "*/__pycache__/*", "*.lib", "*.so.debug"),
)


def modules(entry: str = HANDLER, root: Path = REPOSITORY) -> list[str]:
    """Names of our modules that `entry` imports, directly or not, at its beginning or when it runs; packages with their `__init__`."""
    found: set[str] = set()
    waiting = [entry]
    while waiting:
        name = waiting.pop()
        file = source_of(name, root)
        if name in found or file is None or name in _NOT_THERE:
            continue
        found.add(name)
        waiting += [name.rpartition(".")[0], *(imported for imported in _imports(file) if imported.split(".")[0] in OURS)]
    return sorted(found)


def libraries(root: Path = REPOSITORY) -> set[str]:
    """Top-level names that those modules import from elsewhere, the standard library's too."""
    return {
        imported.split(".")[0]
        for name in modules(root=root)
        if (file := source_of(name, root))
        for imported in _imports(file)
        if imported.split(".")[0] not in OURS
    }


def source_of(name: str, root: Path = REPOSITORY) -> Path | None:
    """The file of a module of ours; None where there is no such module: the name is a class or a function."""
    path = root.joinpath(*name.split("."))
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in candidates if name and file.is_file()), None)


def _imports(file: Path) -> Iterator[str]:
    for node in _executed(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            # What is imported from a package may be a module of it.
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """Every node but those for the type checker alone."""
    yield node
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return
    for child in ast.iter_child_nodes(node):
        yield from _executed(child)


def is_stripped(path: str) -> bool:
    """Whether a library's file, by its path in site-packages, is left out of the package."""
    parts = path.split("/")
    if path.startswith("botocore/data/") and len(parts) > 3:
        return parts[2] not in _SERVICES
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in _STRIPPED)
