"""docs/benchmarks.md: what a command printed stands between the marks of its part; the words around are written by hand."""

import re
from pathlib import Path

from runtime.settings import REPOSITORY

PAGE = REPOSITORY / "docs" / "benchmarks.md"
PICTURE = REPOSITORY / "docs" / "images" / "benchmarks.svg"


def put(page: str, part: str, text: str) -> str:
    """The page with `text` as what `part` said. Raises KeyError where the page has no such marks."""
    marked = re.compile(rf"(<!-- {part} -->\n).*?(<!-- /{part} -->)", re.DOTALL)
    if not marked.search(page):
        raise KeyError(f"{PAGE}: there are no marks of {part}")
    return marked.sub(lambda found: f"{found[1]}{text.strip()}\n{found[2]}", page)


def part_of(page: str, part: str) -> str:
    found = re.search(rf"<!-- {part} -->\n(.*?)<!-- /{part} -->", page, re.DOTALL)
    return found[1] if found else ""


def first_table(text: str) -> tuple[list[str], list[list[str]]]:
    """Head and rows of the first table in a text; nothing where there is none."""
    rows = []
    for line in text.splitlines():
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip().strip("|").split("|")])
        elif rows:
            break
    return (rows[0], rows[2:]) if len(rows) > 2 else ([], [])


def write(part: str, text: str, file: Path = PAGE) -> None:
    file.write_text(put(file.read_text(), part, text))
