"""Which modules of ours a package is made of: those that its entries can reach, found in the source files, which are never imported."""

import ast
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from runtime.settings import REPOSITORY

OURS = ("runtime", "lake", "fleet", "models", "ingestion", "spark_jobs", "services", "dags")


@dataclass(frozen=True)
class Code:
    """`left_out`: modules that the text reaches and this package does without, each with all below it."""

    entries: tuple[str, ...]
    left_out: tuple[str, ...] = ()

    def modules(self, root: Path = REPOSITORY) -> list[str]:
        """Names of our modules that an entry imports, directly or not, at its beginning or when it runs; packages with their `__init__`."""
        found: set[str] = set()
        waiting = list(self.entries)
        while waiting:
            name = waiting.pop()
            file = source_of(name, root)
            if name in found or file is None or self._is_left_out(name):
                continue
            found.add(name)
            waiting += [name.rpartition(".")[0], *(imported for imported in _imports(file) if imported.split(".")[0] in OURS)]
        return sorted(found)

    def libraries(self, root: Path = REPOSITORY) -> set[str]:
        """Top-level names that those modules import from elsewhere, the standard library's too."""
        return {top for file in self.files(root) for imported in _imports(file) if (top := imported.split(".")[0]) not in OURS}

    def files(self, root: Path = REPOSITORY) -> list[Path]:
        return [file for name in self.modules(root) if (file := source_of(name, root))]

    def _is_left_out(self, name: str) -> bool:
        return any(name == left or name.startswith(f"{left}.") for left in self.left_out)


def source_of(name: str, root: Path = REPOSITORY) -> Path | None:
    """The file of a module of ours; None where there is no such module: the name is a class or a function."""
    path = root.joinpath(*name.split("."))
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in candidates if name and file.is_file()), None)


def contracts(root: Path = REPOSITORY) -> list[Path]:
    return sorted((root / "contracts").glob("*.yaml"))


def copy_sources(files: Iterable[Path], folder: Path, root: Path = REPOSITORY) -> None:
    """`files` of the checkout, as they lie in it."""
    for file in files:
        target = folder / file.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)


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
