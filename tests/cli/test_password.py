"""Where a command's password comes from, in processes of their own that have no terminal."""

import subprocess
import sys

import pytest

from runtime.settings import REPOSITORY

ASK = """
import sys
from cli.password import password
from runtime.errors import UsageError
try:
    print("got " + password("stdin" in sys.argv, is_new="new" in sys.argv))
except UsageError as error:
    print(f"refused {error}")
"""


def asked(*arguments: str, sent: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    # A session of its own has no terminal.
    command = [sys.executable, "-c", ASK, *arguments]
    return subprocess.run(command, input=sent, capture_output=True, cwd=REPOSITORY, check=True, start_new_session=True)


@pytest.mark.parametrize("sent", [b"", b"correct horse\n"])
def test_without_a_terminal_one_sentence_says_what_to_do(sent: bytes) -> None:
    answer = asked(sent=sent)
    assert answer.stdout.splitlines()[-1] == b"refused password: there is no terminal to ask for it at; give it with --password-stdin"
    assert b"Warning" not in answer.stderr + answer.stdout
    assert b"horse" not in answer.stderr + answer.stdout


@pytest.mark.parametrize("sent", [b"correct horse\n", b"correct horse", b"correct horse\r\n", b"correct horse\n123456\n"])
def test_from_standard_input_it_is_the_first_line(sent: bytes) -> None:
    assert asked("stdin", sent=sent).stdout == b"got correct horse\n"


@pytest.mark.parametrize("sent", [b"", b"\n"])
def test_an_empty_standard_input_is_no_password(sent: bytes) -> None:
    assert asked("stdin", "new", sent=sent).stdout.startswith(b"refused password: standard input has none")
