"""Each thing that the emulator's Cognito lets pass, with the checks on; and the private names that they reach into."""

import json
import subprocess
import sys
from pathlib import Path

from runtime.settings import REPOSITORY

DENIED = "NotAuthorizedException"


def test_what_a_user_sends_is_checked(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.local.cognito_alone", str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, check=True)
    answer = json.loads(ran.stdout.splitlines()[-1])
    assert dict(answer["told"]) == {
        "a wrong password of an unconfirmed user": DENIED,
        "the password of an unconfirmed user": "UserNotConfirmedException",
        "confirm with the emulator's usual code": "CodeMismatchException",
        "confirm with the code that was sent": "ok",
        "reset with the emulator's usual code": "CodeMismatchException",
        "reset with the code that was sent": "ok",
        "a forged refresh token": DENIED,
        "a good refresh token": "ok",
        "a forged access token": DENIED,
        "a good access token": "ok",
        "an access token after sign-out": DENIED,
        "a refresh token after sign-out": DENIED,
        "a challenge without its session": DENIED,
        "a challenge with another's session": DENIED,
        "another challenge with the session": DENIED,
        "a challenge with its session": "ok",
        "the session again": DENIED,
        "enrolment with a code": "ok",
        "enrolment with it again": "EnableSoftwareTokenMFAException",
        "the code of enrolment in a challenge": "ExpiredCodeException",
        "a wrong code": "CodeMismatchException",
        "the next step's code": "ok",
        "the next step's code again": "ExpiredCodeException",
        "an earlier step's code after it": "ExpiredCodeException",
    }
    assert answer["hooks"] == {
        "_access_token_error": "(data: dict)",
        "_auth_flow_error": "(action: str, data: dict)",
        "_confirmation_code_error": "(action: str, data: dict)",
        "_pin_unsigned_idp_scope": "(data: dict) -> None",
        "_pool_for_client": "(cid)",
        "_resolve_user": "(pool: dict, username: str)",
        "_run_idp_handler": "(handler, action: str, data: dict)",
        "_send_verification_email": "(pool, username, attr_dict, code, attribute_name=email)",
        "_signature_valid": "(token: str) -> bool",
        "_token_claims": "(token) -> dict",
        "_totp_code": "(secret_b32: str, step_offset: int = 0) -> str",
        "_user_for_access_token": "(access_token)",
        "error_response_json": (
            "(code: str, message: str, status: int = 400, extra: dict | None = None, *, message_key: str = message, "
            "content_type: str = application/x-amz-json-1.0) -> tuple"
        ),
    }
