"""The functions' packages, made of the libraries that are installed here: small enough, complete, and nothing besides.

`make packages` takes the same versions as wheels for Lambda's processor; which files are left out is decided by the same rules.
"""

import re
import sys
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from infra.packaging.__main__ import main
from infra.packaging.archives import make_zip, size
from infra.packaging.functions import API, INGEST, MOST_BYTES, FunctionContents
from infra.packaging.libraries import Libraries
from runtime.errors import SetupError
from runtime.settings import REPOSITORY
from tests.infra.packaging.bare import TELL_FILES, foreign_files, run_bare

pytestmark = pytest.mark.long

FUNCTIONS = (INGEST, API)
# A message in each of the ways that a function goes, with no AWS: it must fail for the bucket and for nothing else.
INGESTING = """
import ingestion.lambda_handler as entry
import json, base64
reading = {"ts": 1790006460000, "seq": 1, "vibration_mm_s": 1.0, "current_l1_amperes": 1.0, "current_l2_amperes": 1.0,
           "current_l3_amperes": 1.0, "pressure_bar": 2.0, "temperature_celsius": 20.0, "is_running": True, "mode": "auto"}
payload = base64.b64encode(json.dumps({"boot": "b", "readings": [reading, {}]}).encode()).decode()
body = json.dumps({"payload": payload, "device_id": "d", "contract": "pump", "received_at": 1790006470000})
record = {"messageId": "m-1", "body": body, "attributes": {}, "eventSource": "aws:sqs"}
class Context:
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:f"
    def get_remaining_time_in_millis(self): return 60_000
answer = entry.handler({"Records": [record]}, Context())
assert answer == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}, answer
"""
# As API Gateway calls it: https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway.html
SERVING = """
import json
from services.lambda_handler import handler

def get(path, **query):
    context = {"httpMethod": "GET", "path": path, "stage": "v1", "requestId": "r-1", "identity": {"sourceIp": "192.0.2.1"}}
    event = {"resource": "/{proxy+}", "path": path, "httpMethod": "GET", "headers": {"Host": "api.example.com"}, "multiValueHeaders": None,
             "queryStringParameters": query, "multiValueQueryStringParameters": {key: [value] for key, value in query.items()},
             "requestContext": context, "body": None, "isBase64Encoded": False}
    return handler(event, None)

answers = [get(path) for path in ("/devices/d-1/shadow", "/users", "/api/v1/devices/d-1", "/api/v1/devices/d-1/telemetry")]
print([answer["statusCode"] for answer in answers])
live = get("/health", check="live")
print(live["statusCode"], json.loads(live["body"]))
"""
# What none of them imports before it asks AWS.
LATE = """
import services.shadow.feed as feed, services.shadow.fleet_shadow as fleet_shadow
answer = feed.handler({"Records": [{"messageId": "m-1", "body": "no change"}]}, None)
assert answer == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}, answer
import pyiceberg.catalog.glue, pyiceberg.io.pyarrow, pyiceberg.table
from pyarrow.fs import S3FileSystem
try:
    fleet_shadow.handler({}, None)
except Exception as error:
    # Whatever it is: without an account nothing answers, and by then everything has been imported.
    print(type(error).__name__)
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folders = {function.name: tmp_path_factory.mktemp("package") / function.name for function in FUNCTIONS}
    for function in FUNCTIONS:
        folders[function.name].mkdir()
        function.libraries.copy_installed(folders[function.name])
        function.add_code(folders[function.name])
    return folders


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_it_is_smaller_than_lambda_takes(packages: dict[str, Path], function: FunctionContents) -> None:
    # Bytecode, which `make packages` adds, is a tenth more.
    assert 50 * 2**20 < size(packages[function.name]) < MOST_BYTES * 0.8


def test_ingesting_runs_with_nothing_but_its_package(packages: dict[str, Path]) -> None:
    done = run_bare(packages["ingest"], INGESTING + TELL_FILES)
    assert done.returncode == 0, done.stderr
    assert "Unable to locate credentials" in done.stderr
    assert foreign_files(done.stdout, packages["ingest"]) == []
    assert f"FILE {packages['ingest']}/pyarrow" in done.stdout


def test_the_apis_serve_with_nothing_but_their_package(packages: dict[str, Path]) -> None:
    """Alive, of the version that the project says; the routers of each part ask who calls; telemetry is not served."""
    users = {
        "FLEETLAKE_USER_POOL": "eu-central-1_AbCdEf123",
        "FLEETLAKE_USER_POOL_CLIENT": "abc",
        "FLEETLAKE_IDENTITY_POOL": "eu-central-1:1a2b",
    }
    done = run_bare(packages["api"], SERVING + TELL_FILES, FLEETLAKE_API_PARTS="auth,devices,shadow", **users)
    assert done.returncode == 0, done.stderr
    version = re.search(r'^version = "(.+)"', (REPOSITORY / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    assert done.stdout.splitlines()[0] == "[401, 401, 401, 404]"
    assert done.stdout.splitlines()[1] == f"200 {{'status': 'live', 'build': '{version[1]}', 'dependencies': {{}}}}"
    assert foreign_files(done.stdout, packages["api"]) == []


def test_the_feed_and_the_fleet_shadow_run_with_nothing_but_their_package(packages: dict[str, Path]) -> None:
    done = run_bare(packages["api"], LATE + TELL_FILES)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("NoCredentialsError\n")
    assert foreign_files(done.stdout, packages["api"]) == []


def test_the_api_function_says_that_telemetry_is_not_in_it(packages: dict[str, Path]) -> None:
    done = run_bare(packages["api"], "import services.lambda_handler", FLEETLAKE_API_PARTS="telemetry")
    assert done.returncode == 1
    assert "No module named 'services.telemetry'" in done.stderr


def test_ingesting_holds_what_its_handler_reaches_and_no_more(packages: dict[str, Path]) -> None:
    names = set(INGEST.code.modules())
    assert {"ingestion.lambda_handler", "runtime.aws", "lake.quarantine", "ingestion.decode"} <= names
    assert not {"ingestion.worker", "runtime.local", "lake.query"} & names
    package = packages["ingest"]
    there = {file.relative_to(package).with_suffix("").as_posix().replace("/", ".") for file in package.glob("ingestion/*.py")}
    assert {name.removesuffix(".__init__") for name in there} == {name for name in names if name.split(".")[0] == "ingestion"}
    for heavy in ("pyspark", "airflow", "duckdb", "pandas", "pyiceberg", "ministack", "great_expectations"):
        assert not (package / heavy).exists()
    assert {file.name for file in (package / "contracts").iterdir()} == {file.name for file in (REPOSITORY / "contracts").glob("*.yaml")}


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_every_library_that_it_imports_is_locked_and_none_besides(function: FunctionContents) -> None:
    """A failure names what to add to requirements/{name}.in, or to take away; then `make lock`."""
    libraries = function.libraries
    listed = re.findall(r"^([A-Za-z0-9-]+)$", libraries.lock_file.with_suffix(".in").read_text(), re.MULTILINE)
    wanted = {name.lower() for name in listed}
    known = packages_distributions()
    names = function.code.libraries() - set(sys.stdlib_module_names)
    imported = {name: {distribution.lower().replace("_", "-") for distribution in known.get(name, [name])} for name in names}
    assert {name for name, distributions in imported.items() if not distributions & libraries.locked().keys()} == set()
    assert wanted - set().union(*imported.values()) == set()
    assert wanted <= libraries.locked().keys()


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_the_models_of_all_services_that_it_calls_are_in_it(function: FunctionContents) -> None:
    text = "".join(file.read_text() for file in function.code.files())
    missing = set(re.findall(r'client\("([a-z0-9-]+)"', text)) - function.libraries.services
    # Who ingests asks neither for an answer of the lake nor for the broker's address.
    assert missing == ({"athena", "iot"} if function is INGEST else set())


@pytest.mark.parametrize("lock", ["ingest", "api-function", "api-image", "worker", "spark", "training"])
def test_the_versions_are_those_that_everything_else_runs_on(lock: str) -> None:
    everything, ours = Libraries("fleetlake", "3.11").locked(), Libraries(lock, "3.11").locked()
    assert len(ours) > 5
    assert {name: everything[name] for name in ours} == ours


def test_another_version_than_the_locked_one_is_not_packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "odd.lock").write_text("orjson==0.0.1 \\\n    --hash=sha256:00\n")
    monkeypatch.setattr("infra.packaging.libraries.REPOSITORY", tmp_path)
    with pytest.raises(SetupError, match=r"orjson is [0-9.]+ here, odd.lock says 0.0.1"):
        Libraries("odd", "3.12").copy_installed(tmp_path / "out")


def test_the_same_content_makes_the_same_zip(tmp_path: Path) -> None:
    archives = []
    for name in ("a", "b"):
        INGEST.add_code(tmp_path / name)
        make_zip(tmp_path / name, tmp_path / f"{name}.zip")
        archives.append((tmp_path / f"{name}.zip").read_bytes())
    assert archives[0] == archives[1]
    assert "ingestion/lambda_handler.py" in zipfile.ZipFile(tmp_path / "a.zip").namelist()


@pytest.mark.parametrize(
    ("path", "ingest", "api"),
    [
        ("botocore/data/ec2/2016-11-15/service-2.json.gz", True, True),
        ("botocore/data/s3/2006-03-01/service-2.json.gz", False, True),
        ("botocore/data/dynamodb/2012-08-10/service-2.json.gz", True, False),
        ("botocore/data/endpoints.json", False, False),
        ("pyarrow/tests/test_array.py", True, True),
        ("numpy/_core/tests/test_dtype.py", True, True),
        ("pyarrow/libarrow.so.2600", False, False),
        ("pyarrow/libarrow_flight.so.2600", True, True),
        ("pyarrow/libarrow_s3.so.2600", True, False),
        ("pyarrow/libarrow_python.so.2600", False, False),
        ("pyarrow/libarrow_python.so.2600.1.0", True, True),
        ("numpy/testing/__init__.py", False, False),
        ("numpy/f2py/__init__.py", True, False),
    ],
)
def test_tests_headers_and_unused_parts_are_left_out(path: str, ingest: bool, api: bool) -> None:
    assert (INGEST.libraries.is_stripped(path), API.libraries.is_stripped(path)) == (ingest, api)


@pytest.mark.parametrize("arguments", [["--architecture", "sparc"], ["sparc"]])
def test_a_command_line_that_is_off_is_told(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([*arguments, "--out", str(tmp_path)])
    assert "sparc" in capsys.readouterr().err


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "ingest").mkdir()
    (tmp_path / "ingest" / "mine").write_text("precious")
    assert main(["ingest", "--installed", "--out", str(tmp_path)]) == 1
    assert f"{tmp_path}/ingest is there and holds no package of it; remove it, or name another --out" in capsys.readouterr().err
    assert (tmp_path / "ingest" / "mine").read_text() == "precious"
