"""Packages the Lambda function: ``python -m ingestion.package_lambda``, or `make lambda`.

It makes ``build/lambda/`` (the function unpacked) and ``build/lambda.zip``, and says how large they are. Libraries come from
requirements/lambda.lock by hash, as wheels for the processor that the function runs on, whatever machine this is. The runtime
is Python 3.12: those of 3.11 and before run on Amazon Linux 2, whose C library is too old for the wheels of pyarrow and numpy.
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
"""

import argparse
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path

from ingestion.lambda_code import HANDLER, is_stripped, modules, source_of
from runtime.errors import FleetlakeError, SetupError
from runtime.settings import REPOSITORY

LOCK = REPOSITORY / "requirements" / "lambda.lock"
DEFAULT_OUT = REPOSITORY / "build"
PYTHON = "3.12"
PLATFORMS = {"arm64": "aarch64-manylinux_2_28", "x86_64": "x86_64-manylinux_2_28"}
# AWS's limit of a function with its layers, unpacked.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MOST_BYTES = 250 * 1024 * 1024
# Earlier than a zip can say; the same content always makes the same file.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def install_locked(folder: Path, architecture: str) -> None:
    """The locked libraries as wheels for Lambda. Raises SetupError."""
    command = [
        *(the_uv(), "pip", "install", "-q", "--target", str(folder), "--require-hashes", "--no-deps", "--only-binary", ":all:"),
        *("--python-version", PYTHON, "--python-platform", PLATFORMS[architecture], "-r", str(LOCK)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SetupError(f"package the Lambda function: uv could not install {LOCK.name} for {architecture}:\n{done.stderr.strip()}")
    strip(folder)


def the_uv() -> str:
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        raise SetupError("package the Lambda function: there is no uv beside this Python or on PATH; `make lambda` has it")
    return uv


def copy_installed(folder: Path) -> None:
    """The locked libraries as they are installed here, by their own lists of files: for this machine, and without a network.

    Raises SetupError where another version is installed than the lock says.
    """
    for name, version in locked().items():
        distribution = importlib.metadata.distribution(name)
        if distribution.version != version:
            raise SetupError(f"package the Lambda function: {name} is {distribution.version} here, {LOCK.name} says {version}")
        for file in distribution.files or ():
            # A script in bin/ lies outside.
            if not file.is_absolute() and ".." not in file.parts and not is_stripped(file.as_posix()):
                target = folder / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(distribution.locate_file(file)), target)


def locked() -> dict[str, str]:
    """Version of each library of the lock."""
    return dict(re.findall(r"^([a-z0-9-]+)==([^ \\]+)", LOCK.read_text(), re.MULTILINE))


def strip(folder: Path) -> None:
    for file in sorted(folder.rglob("*")):
        if not file.is_dir() and is_stripped(file.relative_to(folder).as_posix()):
            file.unlink()
    for empty in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
        if not any(empty.iterdir()):
            empty.rmdir()


def add_code(folder: Path) -> None:
    """Our own modules and the contracts."""
    for name in modules():
        source = source_of(name)
        assert source is not None
        target = folder / source.relative_to(REPOSITORY)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    shutil.copytree(REPOSITORY / "contracts", folder / "contracts", ignore=lambda _, names: [n for n in names if not n.endswith(".yaml")])


def compile_code(folder: Path, interpreter: str) -> None:
    """A function cannot write beside its code: without this each cold start would compile every module it imports."""
    # By no time and no hash: the zip keeps no times, and nothing changes after.
    command = [interpreter, "-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash", "-s", str(folder), str(folder)]
    subprocess.run(command, check=True)


def interpreter_of_lambda(uv: str) -> str | None:
    """A Python of the function's version on this machine; None where there is none."""
    if sys.version_info[:2] == tuple(map(int, PYTHON.split("."))):
        return sys.executable
    found = subprocess.run([uv, "python", "find", "--no-python-downloads", PYTHON], capture_output=True, text=True, check=False)
    return found.stdout.strip() if found.returncode == 0 else None


def size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def make_zip(folder: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(file.relative_to(folder).as_posix(), _EPOCH)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o755 << 16
            archive.writestr(entry, file.read_bytes())


def import_seconds(folder: Path) -> tuple[float, float]:
    """Wall and CPU time of a fresh interpreter that has nothing but the package, until all that the handler needs is imported."""
    begun, before = time.perf_counter(), os.times()
    program = f"import sys; sys.path.insert(0, sys.argv[1]); import {HANDLER}; import runtime.aws, boto3"
    subprocess.run([sys.executable, "-I", "-S", "-c", program, str(folder)], check=True)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - begun, cpu


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="package_lambda", description="Package the Lambda function that ingests.")
    parser.add_argument("--architecture", choices=sorted(PLATFORMS), default="arm64", help="processor of the function (default: arm64)")
    parser.add_argument("--installed", action="store_true", help="from the libraries installed here, to try it on this machine")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="folder of lambda/ and lambda.zip (default: build)")
    asked = parser.parse_args(arguments)
    folder = asked.out / "lambda"
    try:
        _make_room(folder)
        copy_installed(folder) if asked.installed else install_locked(folder, asked.architecture)
        add_code(folder)
        interpreter = sys.executable if asked.installed else interpreter_of_lambda(the_uv())
        if interpreter:
            compile_code(folder, interpreter)
        else:
            sys.stderr.write(f"package_lambda: there is no Python {PYTHON} here to compile with; its cold starts will take longer\n")
        told = _told(folder, asked.out / "lambda.zip", asked.installed)
    except (FleetlakeError, OSError) as error:
        sys.stderr.write(f"package_lambda: {error}\n")
        return 1
    sys.stdout.write(told)
    return 0


def _make_room(folder: Path) -> None:
    """An empty folder in place of the package of before. Raises SetupError where something else is there."""
    is_ours = folder == DEFAULT_OUT / "lambda" or (folder / f"{HANDLER.replace('.', '/')}.py").is_file()
    if folder.exists() and not is_ours and any(folder.iterdir()):
        raise SetupError(f"package the Lambda function: {folder} is there and holds no package of it; remove it, or name another --out")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _told(folder: Path, archive: Path, runs_here: bool) -> str:
    make_zip(folder, archive)
    unpacked, packed = size(folder), archive.stat().st_size
    if unpacked > MOST_BYTES:
        raise SetupError(f"package the Lambda function: {unpacked / 2**20:.0f} MiB unpacked, Lambda takes {MOST_BYTES / 2**20:.0f}")
    told = (
        f"{archive}: {packed / 2**20:.1f} MiB, unpacked {unpacked / 2**20:.1f} of {MOST_BYTES / 2**20:.0f} MiB; handler {HANDLER}.handler\n"
    )
    if runs_here:
        import_seconds(folder)
        wall, cpu = min(import_seconds(folder) for _ in range(5))
        told += f"imported in {wall:.2f} s ({cpu:.2f} s of CPU) by a fresh interpreter, best of 5\n"
    return told


if __name__ == "__main__":
    sys.exit(main())
