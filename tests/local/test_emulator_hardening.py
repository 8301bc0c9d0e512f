"""The private names of the emulator that the hardening reaches into, as the pinned version has them."""

import json
import subprocess
import sys

from local.emulator_hardening import PIN
from runtime.settings import REPOSITORY


def test_the_pinned_emulator_is_the_one_this_launcher_was_written_for() -> None:
    pins = [line for line in (REPOSITORY / "requirements/fleetlake.in").read_text().splitlines() if line.startswith("ministack")]
    assert pins == [f"ministack=={PIN}"]
    script = "import json; from local.emulator_hardening import hooks; print(json.dumps(hooks()))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=REPOSITORY, check=True)
    assert json.loads(ran.stdout.splitlines()[-1]) == {
        "_ensure_ca": "() -> tuple[str, str]",
        "_mtls_trust_anchors": "() -> list[tuple[str, str]]",
        "_mtls_build_ssl_context": "() -> ssl.SSLContext",
        "_mqtt_policy_allows": (
            "(account_id: str, region: str, certificate_id: str, context: dict, action: str, resource: str, "
            "provisioning_template: str | None = None) -> bool"
        ),
        "_WSSession._evaluates_policies": "(self) -> bool",
        "_WSSession._policy_allows": "(self, action: str, resource: str) -> bool",
        "handle_websocket": "(scope: dict, receive, send, account_id: str, region: str) -> None",
        "_rule_message": "(payload: bytes)",
        "_handle_shadow_publish": "(account_id: str, region: str, thing: str, verb: str, name: str | None, payload: bytes) -> None",
        "_classic_shadow_state": "(thing_name: str) -> dict | None",
        "_shadows.get_scoped": "(account_id, region, key, default=None)",
        "_shadows.set_scoped": "(account_id, region, key, value)",
        "_shadows.items_scoped": "(account_id, region)",
        "broker_publish": (
            "(account_id: str, region: str, topic: str, payload: bytes, qos: int = 0, retain: bool = False, properties: bytes = b, "
            "client_id: str | None = None, principal: str | None = None) -> None"
        ),
        "iot_data._shadow": "(method: str, path: str, body: bytes, qp: dict) -> tuple",
        "iot_data.handle_request": "(method: str, path: str, headers: dict, body: bytes, query_params: dict) -> tuple",
        "get_account_id": "() -> str",
        "get_region": "() -> str",
        "request_scope": "(account_id: str, region: str)",
        "sqs._externalize_url": "(url: str) -> str",
        "s3._atomic_write": "(fpath: str, data: bytes, *, text: bool = False)",
        "s3._dispatch": "(method: str, bucket: str, key: str, headers: dict, body: bytes, query_params: dict) -> tuple",
        "s3._error": (
            "(code: str, message: str, status: int, resource: str = , extra: dict[str, str] | None = None, "
            "headers: dict | None = None) -> tuple"
        ),
        "s3._key_history_meta": "(bucket_name: str, key: str) -> dict",
        "s3._object_disk_path": "(bucket: str, key: str, account_id: str = None) -> str | None",
        "s3._object_meta_from_record": "(obj: dict) -> dict",
        "s3._other_key_disk_path": "(base: str, key: str, fpath: str) -> str | None",
        "s3._persist_object": "(bucket: str, key: str, obj)",
        "s3._qp": "(params: dict, key: str, default: str = ) -> str",
        "s3._remove_key_files": "(fpath: str | None)",
    }
