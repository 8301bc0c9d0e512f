"""The APIs as the command line calls them: where they are, who is signed in, and what their answers mean for a person."""

import contextlib
import fcntl
import ipaddress
import json
import os
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import typer
import urllib3

from runtime.errors import RetryLater, ServiceError, SettingsError, UserError
from runtime.settings import Settings

_TIMEOUT = urllib3.Timeout(connect=5, read=60)
# A token that ends within so many seconds is renewed before it is sent.
_SPARE_SECONDS = 30
_TRIES = 3
_LONGEST_WAIT = 10.0


@dataclass(frozen=True)
class Login:
    """Who is signed in; `expires_at` of the access token in epoch seconds."""

    user_name: str
    access_token: str
    refresh_token: str
    expires_at: float


class Logins:
    """The logins of this user of the machine, one for each address of the APIs, in a file that nobody else can read."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file or Path(typer.get_app_dir("fleetlake")) / "logins.json"

    def of(self, url: str) -> Login | None:
        found = self._read().get(url)
        try:
            return Login(**{each.name: found[each.name] for each in fields(Login)}) if found else None
        except (KeyError, TypeError):
            return None

    def put(self, url: str, login: Login | None) -> None:
        """None forgets it."""
        with self.locked():
            logins = self._read()
            logins.pop(url, None)
            if login:
                logins[url] = asdict(login)
            fresh = self._file.with_suffix(f".{uuid.uuid4().hex}")
            # Nobody's but the owner's from its first byte on.
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
                json.dump(logins, stream)
            fresh.replace(self._file)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Commands that run at once write one after the other."""
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(self._file.with_suffix(".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _read(self) -> dict[str, Any]:
        try:
            logins = json.loads(self._file.read_text())
        except (OSError, ValueError):
            return {}
        return logins if isinstance(logins, dict) else {}


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    etag: str = ""


def api_url(settings: Settings) -> str:
    """Of the setting, or of the running laptop's cloud. Raises ServiceError where neither says one, SettingsError for one in the clear."""
    url = settings.api_url or _laptops(settings.home)
    parts = urlsplit(url)
    if parts.scheme != "https" and not _is_loopback(parts.hostname or ""):
        raise SettingsError(f"the APIs at {url}: a password would travel in the clear; set FLEETLAKE_API_URL to an https:// address")
    return url.rstrip("/")


def _laptops(home: Path) -> str:
    from runtime.local import is_held

    # A supervisor that was killed has left its addresses.
    if is_held(home / "run" / "supervisor.lock"):
        with contextlib.suppress(OSError, KeyError, ValueError):
            return str(json.loads((home / "run" / "endpoints.json").read_text())["api_url"])
    raise ServiceError(f"the APIs: the laptop's cloud in {home} does not serve them; start it by `fleetlake up`, or set FLEETLAKE_API_URL")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class ApiClient:
    """Calls by the stored login. Raises UserError for what the caller can mend, ServiceError for what it cannot."""

    def __init__(self, url: str, logins: Logins) -> None:
        self.url = url
        self.logins = logins
        self._pool = urllib3.PoolManager(timeout=_TIMEOUT, retries=False)

    @classmethod
    def of(cls, settings: Settings) -> "ApiClient":
        return cls(api_url(settings), Logins())

    def call(self, method: str, path: str, body: Any = None, query: Mapping[str, Any] | None = None, **headers: str) -> Answer:
        """`headers` by names with _, such as ``If_Match``. A token that has ended is renewed once."""
        login = self._login()
        answer = self._send(method, path, body, query, headers, login.access_token)
        if answer.status == 401:
            login = self._renewed(login)
            answer = self._send(method, path, body, query, headers, login.access_token)
        return self.checked(answer)

    def pages(self, path: str, query: Mapping[str, Any], member: str) -> Iterator[dict[str, Any]]:
        """All items of a list, page by page."""
        token: dict[str, str] = {}
        while True:
            page = self.call("GET", path, query={**query, **token}).body
            yield from page[member]
            if not page.get("next_token"):
                return
            token = {"next_token": page["next_token"]}

    def without_login(self, path: str, body: Any) -> Answer:
        """One of the operations that sign in."""
        return self.checked(self._send("POST", path, body, None, {}, ""))

    def checked(self, answer: Answer) -> Answer:
        if answer.status < 400:
            return answer
        problem = answer.body if isinstance(answer.body, dict) else {}
        detail = str(problem.get("detail") or f"status {answer.status}")
        places = [f"{each['at']}: {each['message']}" for each in problem.get("errors") or [] if each["at"] not in detail]
        told = "; ".join([detail, *places])
        if answer.status == 401:
            raise UserError(f"{told}; sign in by `fleetlake login`")
        if answer.status in (429, 503):
            raise RetryLater(told)
        if answer.status >= 500:
            raise ServiceError(f"{told}; request id {problem.get('request_id', 'unknown')}")
        raise UserError(told)

    def _login(self) -> Login:
        login = self.logins.of(self.url)
        if login is None:
            raise UserError(f"nobody is signed in at {self.url}; sign in by `fleetlake login`")
        return self._renewed(login) if login.expires_at - _SPARE_SECONDS < time.time() else login

    def _renewed(self, old: Login) -> Login:
        current = self.logins.of(self.url)
        if current and current.access_token != old.access_token:
            # Another command has renewed it meanwhile.
            return current
        answer = self._send("POST", "/auth/refresh", {"refresh_token": old.refresh_token}, None, {}, "")
        if answer.status in (400, 401, 403):
            self.logins.put(self.url, None)
            raise UserError(f"the login of {old.user_name} at {self.url} has ended; sign in again by `fleetlake login`")
        tokens = self.checked(answer).body
        login = login_of(old.user_name, {"refresh_token": old.refresh_token} | {key: value for key, value in tokens.items() if value})
        self.logins.put(self.url, login)
        return login

    def _send(self, method: str, path: str, body: Any, query: Mapping[str, Any] | None, more: Mapping[str, str], token: str) -> Answer:
        address = f"{self.url}{quote(path, safe='/:')}" + (f"?{urlencode(query)}" if query else "")
        headers = {"Accept": "application/json"} | {name.replace("_", "-"): value for name, value in more.items()}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        headers |= {"Content-Type": "application/json"} if body is not None else {}
        content = json.dumps(body).encode() if body is not None else None
        # A call that changes something is sent again only where the API knows it again.
        may_repeat = method == "GET" or "Idempotency_Key" in more
        for left in range(_TRIES - 1, -1, -1):
            try:
                response = self._pool.request(method, address, body=content, headers=headers, redirect=False)
            except urllib3.exceptions.HTTPError as error:
                if may_repeat and left:
                    continue
                raise RetryLater(f"the APIs at {self.url} do not answer: {type(error).__name__}; is the cloud up?") from None
            if response.status in (429, 503) and may_repeat and left:
                # As long as the API asks for, and no longer than a person would wait.
                time.sleep(min(_LONGEST_WAIT, float(_seconds(response.headers.get("Retry-After", "")))))
                continue
            return Answer(response.status, _json(response.data), response.headers.get("ETag", ""))
        raise AssertionError("unreachable")


def login_of(user_name: str, tokens: Mapping[str, Any]) -> Login:
    return Login(user_name, tokens["access_token"], tokens["refresh_token"], time.time() + float(tokens["expires_in"]))


def _seconds(text: str) -> int:
    return int(text) if text.isdigit() else 1


def _json(content: bytes) -> Any:
    try:
        return json.loads(content) if content else None
    except ValueError:
        # A load balancer's page.
        return None
