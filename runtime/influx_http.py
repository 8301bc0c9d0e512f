"""InfluxDB's HTTP interface: calls with a token, and what its answers mean for us."""

import gzip
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import urllib3

from runtime.errors import RetryLater, ServiceError

_TIMEOUT = urllib3.Timeout(connect=3, read=20)
# Below this compressing costs more than it saves.
_GZIP_BYTES = 1024


class InfluxHttp:
    """One InfluxDB. The token travels in a header and is never part of an address or a message."""

    def __init__(self, url: str, org: str, token: str) -> None:
        self.url = url.rstrip("/")
        self.org = org
        self._headers = {"Authorization": f"Token {token}", "Accept": "application/json", "Accept-Encoding": "gzip"}
        # Retries are the caller's: it knows what may wait, and the worker's loop must not.
        self._pool = urllib3.PoolManager(timeout=_TIMEOUT, retries=False, maxsize=4)

    def call(self, method: str, path: str, query: Mapping[str, Any], body: bytes | None = None, kind: str = "text/plain") -> "Answer":
        """The answer, whatever its status below 500 but 401, 403, 429. Raises RetryLater, ServiceError."""
        headers = self._headers | ({"Content-Type": f"{kind}; charset=utf-8"} if body is not None else {})
        if body is not None and len(body) >= _GZIP_BYTES:
            body, headers = gzip.compress(body, 1), headers | {"Content-Encoding": "gzip"}
        address = f"{self.url}{path}?{urlencode(query, quote_via=quote)}"
        try:
            response = self._pool.request(method, address, body=body, headers=headers)
            answer = Answer(response.status, response.data, response.headers.get("Retry-After", ""))
        except urllib3.exceptions.HTTPError as error:
            raise RetryLater(f"time series: InfluxDB at {self.url} does not answer: {_first_line(error)}; try again later") from None
        if answer.status in (429, 503):
            when = f"in {answer.retry_after} s" if answer.retry_after.isdigit() else "later"
            raise RetryLater(f"time series: InfluxDB at {self.url} is busy ({answer.status}); try again {when}")
        if answer.status in (401, 403):
            raise ServiceError(
                f"time series: InfluxDB at {self.url} refused the token ({answer.status} {answer.message}); "
                f"set FLEETLAKE_INFLUX_TOKEN to one that may read and write buckets of {self.org}"
            )
        if answer.status >= 500:
            raise RetryLater(f"time series: InfluxDB at {self.url} failed ({answer.status} {answer.message}); try again later")
        return answer

    def fail(self, doing: str, answer: "Answer") -> ServiceError:
        return ServiceError(f"time series: {doing} at {self.url}: {answer.status} {answer.message}")


class Answer:
    def __init__(self, status: int, content: bytes, retry_after: str) -> None:
        self.status = status
        self.content = content
        self.retry_after = retry_after

    @property
    def document(self) -> dict[str, Any]:
        """The JSON of the answer; empty where it is none."""
        try:
            document = json.loads(self.content)
        except ValueError:
            return {}
        return document if isinstance(document, dict) else {}

    @property
    def message(self) -> str:
        """What the server says is wrong, in one line."""
        document = self.document
        return " ".join(str(document.get("message") or document.get("error") or self.content[:200].decode(errors="replace")).split())


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
