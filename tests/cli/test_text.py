"""What devices say, as a terminal may show it."""

import pytest

from cli.text import cell, counted, printable


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("boiler of b-1, 21.5 °C", "boiler of b-1, 21.5 °C"),
        ("e\x1b[31mvil\x1b]0;t\x07", "e\\x1b[31mvil\\x1b]0;t\\x07"),
        ("\x00 \x9b \u202e", "\\x00 \\x9b \\u202e"),
        ("a\nb\tc\r", "a\nb\\tc\\r"),
    ],
)
def test_what_would_drive_the_terminal_is_spelt_out(said: str, shown: str) -> None:
    assert printable(said) == shown


def test_a_cell_is_one_line_of_bearable_length() -> None:
    assert cell("a\nb") == "a\\nb"
    assert cell("x" * 3000) == "x" * 59 + "…"


def test_one_of_a_thing_is_no_plural() -> None:
    assert [counted(number, "message") for number in (0, 1, 2)] == ["0 messages", "1 message", "2 messages"]
