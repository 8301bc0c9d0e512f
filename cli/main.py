"""`fleetlake`: the command line's edge. Errors become one line and an exit code here and nowhere else."""

import functools
import importlib
import os
import signal
import sys
import traceback
import warnings
from pathlib import Path
from types import FrameType
from typing import TextIO

import typer
from dotenv import load_dotenv
from typer.core import TyperGroup
from typer.exceptions import TyperException
from typer.main import get_command

from cli.entry import INTERRUPTED, speak_utf8
from cli.text import printable
from runtime.catalog_trouble import catalog_error
from runtime.disk import is_full, says_full, told_full
from runtime.errors import ContractWarning, FleetlakeError
from runtime.settings import REPOSITORY, Settings

# name → module whose `app` is a group of commands
GROUPS = {
    "contracts": "cli.contracts",
    "lake": "cli.lake",
    "quality": "cli.quality",
    "models": "cli.models",
    "dead-letter": "cli.dead_letter",
    "quarantine": "cli.quarantine",
    "timeseries": "cli.timeseries",
    "lineage": "cli.lineage",
    "backfill": "cli.backfill",
    "devices": "cli.devices",
    "users": "cli.users",
    "shadow": "cli.shadow",
}
# modules whose `app` holds single commands
COMMANDS = ("cli.demo", "cli.cloud", "cli.simulate", "cli.query", "cli.gaps", "cli.verify", "cli.login")

# What Typer makes of Ctrl-C before it gets here.
_TYPER_INTERRUPTED = 130

app = typer.Typer(
    help="fleetlake: an IoT data platform on a laptop or on AWS.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def options(debug: bool = typer.Option(False, "--debug", help="Show tracebacks.", envvar="FLEETLAKE_DEBUG")) -> None:
    if debug:
        os.environ["FLEETLAKE_DEBUG"] = "true"


@functools.cache
def build() -> TyperGroup:
    """All commands in one. Their modules are light: what they call is imported when they run."""
    # Once a process: `app` keeps what it is given, and would have each group twice after a second call.
    for module in COMMANDS:
        app.add_typer(importlib.import_module(module).app)
    for name, module in GROUPS.items():
        app.add_typer(importlib.import_module(module).app, name=name)
    command = get_command(app)
    assert isinstance(command, TyperGroup)
    return command


def main() -> None:
    speak_utf8()
    signal.signal(signal.SIGTERM, _interrupt)
    # As make does: what is set in the environment already stays.
    load_dotenv(REPOSITORY / ".env")
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line; the exit code. 1: it failed, 2: the command line is off, 3: the law cannot be known."""
    debug = "--debug" in arguments or os.environ.get("FLEETLAKE_DEBUG", "").lower() in ("1", "true", "yes")
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _Warnings().show
            # Python forgets what it has shown when a library changes its filters.
            warnings.simplefilter("always", ContractWarning)
            code = int(build()(arguments, prog_name="fleetlake", standalone_mode=False) or 0)
        if code == _TYPER_INTERRUPTED:
            raise KeyboardInterrupt
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except TyperException as wrong:
        message = wrong.format_message()
        if not message:
            # A group without a command: its help has been shown.
            return wrong.exit_code
        context = getattr(wrong, "ctx", None)
        return _say(_with_hint(message, context.command_path if context else "fleetlake"), wrong.exit_code, debug)
    except (KeyboardInterrupt, typer.Abort):
        return _say(INTERRUPTED, 1, debug)
    except FleetlakeError as error:
        return _say(str(error), error.exit_code, debug)
    except BrokenPipeError:
        # The reader of a pipe went away (`| head`): not an error of ours.
        _drop_output()
        return 1
    except OSError as error:
        _drop_output()
        return _say(_of_the_machine(error), 1, debug)
    except Exception as error:  # noqa: BLE001 - the edge: a person gets one line, and --debug the rest
        return _say(_told(error), 1, debug)


def _of_the_machine(error: OSError) -> str:
    # Of what is written to an open file the error has no name: where the home's disk has room, it was another's.
    if says_full(error) and (place := error.filename or _full_home()):
        return told_full(place)
    return f"{error.filename or 'the machine'}: {error.strerror or error}"


def _told(error: Exception) -> str:
    if says_full(error) and (home := _full_home()):
        return told_full(home)
    if trouble := catalog_error(error):
        return str(trouble)
    # By the name, for botocore is not imported where it is not needed: no credentials, no such bucket, nobody listens.
    if type(error).__module__.startswith("botocore."):
        names = [name for name in ("FLEETLAKE_PLATFORM", "FLEETLAKE_AWS_ENDPOINT") if os.environ.get(name)]
        asked = " and ".join(f"{name}={os.environ[name]}" for name in names) or "FLEETLAKE_PLATFORM=local"
        return f"AWS, as {asked} has it: {error}; run it again with --debug for the traceback"
    return f"unexpected {type(error).__name__}: {error}; run it again with --debug for the traceback"


def _full_home() -> Path | None:
    try:
        home = Settings.from_environment().home
    except FleetlakeError:
        return None
    return home if is_full(home) else None


def _with_hint(message: str, command: str) -> str:
    """Typer ends some messages with a mark of its own, a guess with a question mark."""
    return f"{message}{' See' if message.endswith('?') else '; see'} `{command} --help`".replace(".; see", "; see")


class _Warnings:
    """A wrong contract file is one line, said once however often it is met, and without the place in the code that met it."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def show(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        ours = issubclass(category, ContractWarning)
        text = f"fleetlake: warning: {message}" if ours else warnings.formatwarning(message, category, filename, lineno, line)
        if text not in self._said:
            print(text, file=sys.stderr)
        self._said.add(text)


def _say(sentence: str, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    print(f"fleetlake: {printable(sentence)}", file=sys.stderr)
    return code


def _drop_output() -> None:
    """What standard output does not take: Python would fail at it once more when it ends."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
