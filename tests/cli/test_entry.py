"""The `fleetlake` script before the command line is there."""

import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from cli import main as main_module
from cli.main import run
from runtime.settings import REPOSITORY

# Ctrl-C in the midst of the imports, at the same place each time.
INTERRUPTED_AT_IMPORT = """
import signal, sys

class Interrupts:
    def find_spec(self, name, path=None, target=None):
        if name == "cli.main":
            signal.raise_signal(signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Interrupts())
from cli.entry import main
main()
"""


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)


def test_an_interrupt_during_the_imports_is_one_line_and_exit_code_1() -> None:
    ended = python("-c", INTERRUPTED_AT_IMPORT)
    assert ended.stderr.splitlines() == ["fleetlake: interrupted; what was acknowledged is kept, and the same command can be run again"]
    assert ended.returncode == 1


def test_the_script_begins_at_the_entry_and_the_entry_imports_nothing_heavy() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert project["scripts"] == {"fleetlake": "cli.entry:main"}
    assert python("-c", "import sys, cli.entry; print({'typer', 'rich', 'cli.main'} & set(sys.modules))").stdout == "set()\n"


def test_the_entry_and_the_module_take_the_same_command_lines() -> None:
    by_entry, by_module = python("-c", "from cli.entry import main; main()", "--help"), python("-m", "cli.main", "--help")
    assert by_entry.returncode == by_module.returncode == 0
    assert by_entry.stdout == by_module.stdout
    assert "query" in by_entry.stdout


def test_a_command_that_there_is_not_is_said_with_one_mark_of_punctuation() -> None:
    ended = python("-m", "cli.main", "nonsense")
    assert (ended.returncode, ended.stderr) == (2, "fleetlake: No such command 'nonsense'; see `fleetlake --help`\n")


def test_a_guess_at_the_command_that_was_meant_keeps_its_question_mark() -> None:
    assert (
        python("-m", "cli.main", "querry").stderr == "fleetlake: No such command 'querry'. Did you mean 'query'? See `fleetlake --help`\n"
    )
    assert python("-m", "cli.main", "quality", "shw").stderr.endswith("Did you mean 'show'? See `fleetlake quality --help`\n")


def test_a_dotenv_file_counts_where_the_environment_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("FLEETLAKE_HOME=/from/the/file\nFLEETLAKE_REGION=eu-west-1\n")
    monkeypatch.setattr(main_module, "REPOSITORY", tmp_path)
    monkeypatch.setattr(sys, "argv", ["fleetlake", "--help"])
    monkeypatch.setenv("FLEETLAKE_REGION", "us-west-2")
    # Set first, so that it is taken away again at the end.
    monkeypatch.setenv("FLEETLAKE_HOME", "")
    monkeypatch.delenv("FLEETLAKE_HOME")
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit):
            main_module.main()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (os.environ["FLEETLAKE_HOME"], os.environ["FLEETLAKE_REGION"]) == ("/from/the/file", "us-west-2")


def test_without_credentials_a_command_on_aws_is_one_line_that_names_the_platform(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "no-such-file"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("FLEETLAKE_PLATFORM", "aws")
    # Another test's credentials would be kept in it.
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    assert run(["models", "list"]) == 1
    assert capsys.readouterr().err == (
        "fleetlake: AWS, as FLEETLAKE_PLATFORM=aws has it: Unable to locate credentials; run it again with --debug for the traceback\n"
    )


def test_a_locale_without_utf_8_changes_nothing(tmp_path: Path) -> None:
    plain = {**os.environ, "PYTHONUTF8": "0", "LC_ALL": "C", "FLEETLAKE_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "cli.main", "query", "SELECT 'Küche → Flur' AS room", "--format", "csv"]
    done = subprocess.run(command, env=plain, cwd=REPOSITORY, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ['"room"', '"Küche', "→", 'Flur"'], "")


@pytest.mark.parametrize("words", [[], ["quality"], ["models"]])
def test_a_group_without_a_command_shows_its_help_and_no_more(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 2
    said = capsys.readouterr()
    assert "Usage:" in said.out + said.err
    assert "fleetlake: ;" not in said.err


def test_a_second_command_line_in_one_process_finds_each_group_of_commands_once() -> None:
    assert [run(["query", "--help"]), run(["query", "--help"])] == [0, 0]
    assert len(main_module.app.registered_groups) == len(main_module.COMMANDS) + len(main_module.GROUPS)
