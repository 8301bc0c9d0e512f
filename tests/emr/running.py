"""A job of the stand-in as it runs: a command, whose output goes to S3 where EMR Serverless puts it."""

import gzip
import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Ending:
    exit_code: int
    last_words: str


class Running:
    """Construct to start. `log_folder` is an ``s3://…`` address."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], folder: Path, s3: Any, log_folder: str) -> None:
        self._s3 = s3
        parts = urlsplit(log_folder)
        self._bucket, self._folder = parts.netloc, parts.path.strip("/")
        pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self._popen = subprocess.Popen(command, env=environment, cwd=folder, start_new_session=True, **pipes)

    @property
    def is_alive(self) -> bool:
        """Whether any process of it is."""
        try:
            os.killpg(self._popen.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def wait(self) -> Ending:
        """Its end; its log is in S3 then."""
        stdout, stderr = self._popen.communicate()
        for name, text in (("stdout", stdout), ("stderr", stderr)):
            self._s3.put_object(Bucket=self._bucket, Key=f"{self._folder}/SPARK_DRIVER/{name}.gz", Body=gzip.compress(text))
        raised = re.findall(r"^.*(?:Exception|Error)\b.*$", stderr.decode(errors="replace"), re.MULTILINE)
        return Ending(self._popen.returncode, " ".join(raised[-2:]))

    def pause(self) -> None:
        """It is there and does nothing, until it is stopped."""
        os.killpg(self._popen.pid, signal.SIGSTOP)

    def stop(self) -> None:
        if self._popen.poll() is None:
            os.killpg(self._popen.pid, signal.SIGKILL)
