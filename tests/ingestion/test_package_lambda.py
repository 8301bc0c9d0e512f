"""The function's package, made of the libraries that are installed here: small enough, complete, and nothing besides.

`make lambda` takes the same versions as wheels for Lambda's processor; which files are left out is decided by the same rules.
"""

import re
import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from ingestion.lambda_code import HANDLER, is_stripped, libraries, modules
from ingestion.package_lambda import LOCK, MOST_BYTES, add_code, copy_installed, locked, main, make_zip, size
from runtime.errors import SetupError
from runtime.settings import REPOSITORY

pytestmark = pytest.mark.long

# A message in each of the ways that a function goes, with no AWS: it must fail for the bucket and for nothing else.
_PROGRAM = f"""
import sys
folder = sys.argv[1]
sys.path.insert(0, folder)
import {HANDLER} as entry
import json, base64
reading = {{"ts": 1790006460000, "seq": 1, "vibration_mm_s": 1.0, "current_l1_amperes": 1.0, "current_l2_amperes": 1.0,
           "current_l3_amperes": 1.0, "pressure_bar": 2.0, "temperature_celsius": 20.0, "is_running": True, "mode": "auto"}}
payload = base64.b64encode(json.dumps({{"boot": "b", "readings": [reading, {{}}]}}).encode()).decode()
body = json.dumps({{"payload": payload, "device_id": "d", "contract": "pump", "received_at": 1790006470000}})
record = {{"messageId": "m-1", "body": body, "attributes": {{}}, "eventSource": "aws:sqs"}}
class Context:
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:f"
    def get_remaining_time_in_millis(self): return 60_000
answer = entry.handler({{"Records": [record]}}, Context())
assert answer == {{"batchItemFailures": [{{"itemIdentifier": "m-1"}}]}}, answer
for name, module in sorted(sys.modules.items()):
    file = getattr(module, "__file__", None)
    if file: print(file)
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package") / "lambda"
    folder.mkdir()
    copy_installed(folder)
    add_code(folder)
    return folder


def test_it_is_smaller_than_lambda_takes(package: Path) -> None:
    # Bytecode, which `make lambda` adds, is a tenth more.
    assert 50 * 2**20 < size(package) < MOST_BYTES * 0.8


def test_it_runs_with_nothing_but_itself(package: Path) -> None:
    """In an interpreter without site-packages and without the environment; what it imports is of the package or of Python."""
    environment = {
        "FLEETLAKE_PLATFORM": "aws",
        # Without credentials the put fails at once, as where S3 is away.
        "AWS_EC2_METADATA_DISABLED": "true",
        "HOME": str(package),
    }
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _PROGRAM, str(package)], capture_output=True, text=True, check=False, env=environment, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "Unable to locate credentials" in done.stderr
    files = [line for line in done.stdout.splitlines() if line.startswith("/")]
    python = (sys.base_prefix, str(Path(sys.executable).resolve().parent.parent))
    assert [file for file in files if not file.startswith((str(package), *python))] == []
    assert any(file.startswith(str(package / "pyarrow")) for file in files)


def test_it_holds_what_the_handler_reaches_and_no_more(package: Path) -> None:
    names = set(modules())
    assert {HANDLER, "runtime.aws", "lake.quarantine", "ingestion.decode"} <= names
    assert not {"ingestion.worker", "runtime.local", "lake.query", "ingestion.package_lambda"} & names
    there = {file.relative_to(package).with_suffix("").as_posix().replace("/", ".") for file in package.glob("ingestion/*.py")}
    assert {name.removesuffix(".__init__") for name in there} == {name for name in names if name.split(".")[0] == "ingestion"}
    for heavy in ("pyspark", "airflow", "duckdb", "pandas", "pyiceberg", "ministack", "great_expectations"):
        assert not (package / heavy).exists()
    assert {file.name for file in (package / "contracts").iterdir()} == {file.name for file in (REPOSITORY / "contracts").glob("*.yaml")}


def test_every_library_that_it_imports_is_locked_and_none_besides() -> None:
    """A failure names what to add to requirements/lambda.in, or to take away; then `make lock`."""
    wanted = {name.lower() for name in re.findall(r"^([A-Za-z0-9-]+)$", LOCK.with_suffix(".in").read_text(), re.MULTILINE)}
    known = packages_distributions()
    imported = {
        name: {distribution.lower() for distribution in known.get(name, [name])} for name in libraries() - set(sys.stdlib_module_names)
    }
    assert {name for name, distributions in imported.items() if not distributions & locked().keys()} == set()
    assert wanted - set().union(*imported.values()) == set()
    assert wanted <= locked().keys()


def test_its_versions_are_those_that_everything_else_runs_on() -> None:
    everything = dict(re.findall(r"^([a-z0-9-]+)==([^ \\]+)", LOCK.with_name("fleetlake.lock").read_text(), re.MULTILINE))
    assert {name: everything[name] for name in locked()} == locked()


def test_another_version_than_the_locked_one_is_not_packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "lambda.lock"
    lock.write_text("orjson==0.0.1 \\\n    --hash=sha256:00\n")
    monkeypatch.setattr("ingestion.package_lambda.LOCK", lock)
    with pytest.raises(SetupError, match=r"orjson is [0-9.]+ here, lambda.lock says 0.0.1"):
        copy_installed(tmp_path / "out")


def test_the_same_content_makes_the_same_zip(tmp_path: Path) -> None:
    archives = []
    for name in ("a", "b"):
        folder = tmp_path / name
        add_code(folder)
        make_zip(folder, tmp_path / f"{name}.zip")
        archives.append((tmp_path / f"{name}.zip").read_bytes())
    assert archives[0] == archives[1]
    assert f"{HANDLER.replace('.', '/')}.py" in zipfile.ZipFile(tmp_path / "a.zip").namelist()


@pytest.mark.parametrize(
    ("path", "stripped"),
    [
        ("botocore/data/ec2/2016-11-15/service-2.json.gz", True),
        ("botocore/data/s3/2006-03-01/service-2.json.gz", False),
        ("botocore/data/endpoints.json", False),
        ("pyarrow/tests/test_array.py", True),
        ("numpy/_core/tests/test_dtype.py", True),
        ("pyarrow/libarrow.so.2600", False),
        ("pyarrow/libarrow_flight.so.2600", True),
        ("pyarrow/libarrow_python.so.2600", False),
        ("pyarrow/libarrow_python.so.2600.1.0", True),
        ("numpy/testing/__init__.py", False),
    ],
)
def test_tests_headers_and_unused_parts_are_left_out(path: str, stripped: bool) -> None:
    assert is_stripped(path) is stripped


def test_a_command_line_that_is_off_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--architecture", "sparc", "--out", str(tmp_path)])
    assert "sparc" in capsys.readouterr().err


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "lambda").mkdir()
    (tmp_path / "lambda" / "mine").write_text("precious")
    assert main(["--installed", "--out", str(tmp_path)]) == 1
    assert f"{tmp_path}/lambda is there and holds no package of it; remove it, or name another --out" in capsys.readouterr().err
    assert (tmp_path / "lambda" / "mine").read_text() == "precious"
