"""The log that a job's driver left in S3, where EMR Serverless puts it.

https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/logging.html
"""

import gzip
import zlib
from collections import deque
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from runtime.errors import ServiceError

_LONGEST_LINE = 4000


# The JVM's own, and what main.py wrote: spark-submit hands both streams of a Python driver to stdout.
STREAMS = ("stderr", "stdout")


class DriverLog:
    def __init__(self, s3: Any, log_uri: str, application_id: str, job_id: str) -> None:
        self._s3 = s3
        parts = urlsplit(log_uri)
        self._bucket = parts.netloc
        self._folder = "/".join(filter(None, (parts.path.strip("/"), f"applications/{application_id}/jobs/{job_id}/SPARK_DRIVER")))

    def address(self, stream: str) -> str:
        return f"s3://{self._bucket}/{self._folder}/{stream}.gz"

    def last_lines(self, count: int) -> dict[str, Sequence[str]]:
        """The end of each stream, by its name; no line where there is no log. Raises ServiceError for one that cannot be read."""
        return {stream: self._last_lines(stream, count) for stream in STREAMS}

    def _last_lines(self, stream: str, count: int) -> Sequence[str]:
        try:
            body = self._s3.get_object(Bucket=self._bucket, Key=f"{self._folder}/{stream}.gz")["Body"]
            with gzip.GzipFile(fileobj=body) as log:
                lines = deque((line.rstrip(b"\r\n")[:_LONGEST_LINE] for line in log), maxlen=count)
            return [line.decode(errors="replace") for line in lines]
        except (ClientError, BotoCoreError, EOFError, OSError, zlib.error) as error:
            if isinstance(error, ClientError) and error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                return []
            raise ServiceError(f"log {self.address(stream)} of a Spark job: it cannot be read: {error}") from None
