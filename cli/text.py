"""What devices and queues say, as a terminal may show it."""

_CELL = 60


def counted(number: int, noun: str) -> str:
    """``1 field``, ``2 fields``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def printable(text: str) -> str:
    """With what would move the cursor, colour or title the terminal spelt out, as Python spells it; lines stay lines."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def cell(text: str) -> str:
    """The same for a table: in one line, and no longer than a name may reasonably be."""
    shown = printable(text).replace("\n", "\\n")
    return shown if len(shown) <= _CELL else f"{shown[: _CELL - 1]}…"
