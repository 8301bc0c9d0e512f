"""Passwords that a command asks for: at the terminal, unseen, or by --password-stdin from a script."""

import getpass
import sys
import warnings

import typer

from runtime.errors import UsageError

STDIN = typer.Option(False, "--password-stdin", help="Read the password from standard input, a line, instead of asking for it.")


def password(from_stdin: bool, prompt: str = "Password", *, is_new: bool = False) -> str:
    """One that `is_new` is asked for twice. Raises UsageError where there is no terminal to ask at, and for an empty line."""
    return _line(prompt) if from_stdin else _asked(prompt, is_new)


def _line(prompt: str) -> str:
    if not (line := sys.stdin.readline().rstrip("\r\n")):
        raise UsageError(f"{prompt.lower()}: standard input has none; give it a line with the password")
    return line


def _asked(prompt: str, is_new: bool) -> str:
    with warnings.catch_warnings():
        # Without a terminal it would warn that it may show the password, and read it all the same.
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return str(typer.prompt(prompt, hide_input=True, confirmation_prompt=is_new))
        except getpass.GetPassWarning:
            # The prompt stands there already.
            typer.echo()
            raise UsageError(f"{prompt.lower()}: there is no terminal to ask for it at; give it with --password-stdin") from None
