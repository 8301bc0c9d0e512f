"""Keys that stand twice, and keys that a contract which quarantines them does not know."""

import json

from tests.hostile.cases import Hostile, Whole, after, spelt, vault

_TWICE = [
    # What a reading has, once more: alike, changed, null, of another type, spelt with escapes.
    '"water": 61.5', '"water": 62', '"water": null', '"water": "61.5"', '"w\\u0061ter": 61.5', '"\\u0077\\u0061\\u0074\\u0065\\u0072": 1', '"ts": 1790006460000',
    '"ts": null', '"t\\u0073": 0', '"\\u0074s": "now"', '"seq": 7', '"seq": 8', '"seq": null', '"\\u0073eq": 7', '"s\\u0065q": [7]',
    # Both after it; the parser by types counts quotes, so texts and nulls matter.
    '"boot": "a", "boot": "a"', '"boot": "a", "boot": null', '"boot": null, "boot": "a"', '"boot": null, "boot": null', '"device_id": "b-1", "device_id": "b-1"',
    '"device_id": "b-2", "device_id": "b-1"', '"mode": "eco", "mode": "full"', '"mode": null, "mode": "eco"', '"mode": "eco", "mode": null', '"note": "", "note": ""',
    '"note": "a", "drift": 1, "note": "b"', '"drift": 1, "drift": 1.0', '"drift": 1, "drift": 1, "drift": 1', '"starts": 1, "starts": 2', '"burning": true, "burning": false',
    '"level": 1, "level": null', '"shift": null, "shift": 1', '"mode": "eco", "mod\\u0065": "eco"',
    # Unknown keys.
    '"a": 1, "a": 1', '"a": 1, "b": 2, "a": 3', '"a": {}, "a": []', '"": 1, "": 2', '" ": 1, " ": 2', '"é": 1, "é": 2', '"é": 1, "\\u00e9": 2', '"\\u00E9": 1, "\\u00e9": 2',
    '"😀": 1, "\\ud83d\\ude00": 2', '"a/b": 1, "a\\/b": 2', '"\\n": 1, "\\u000a": 2', '"\\u0000": 1, "\\u0000": 2', '"\\"": 1, "\\u0022": 2', '"\\\\": 1, "\\u005c": 2',
    '"}": 1, "}": 2', '"],[": 1, "],[": 2', '"readings": 1, "readings": 2', '"__proto__": 1, "__proto__": 2', '"日本": 1, "日本": 1', '"e\u0301": 1, "e\\u0301": 1',
    # Within what is unknown.
    '"x": {"a": 1, "a": 1}', '"x": {"a": 1, "\\u0061": 2}', '"x": {"y": {"a": 1, "a": 2}}', '"x": [{"a": 1, "a": 2}]', '"x": [1, [2, {"a": null, "a": null}]]',
    '"x": {"a": {"b": 1}, "a": {"b": 1}}', '"x": {"": 0, "": 0}', '"x": ' + '{"y":' * 10 + '{"a":1,"a":2}' + "}" * 10,
    # Long, and many: neither may take long.
    f'"{"k" * 3_000}": 1, "{"k" * 3_000}": 2',
    ",".join(f'"{number}": 1' for number in range(500)) + ', "0": 2',
    ",".join(f'"{number}": 1' for number in range(5_000)) + ', "4999": 2',
    '"x": {' + ",".join(f'"{number}": 1' for number in range(3_000)) + ', "2999": 2}',
]  # fmt: skip

DUPLICATE_KEY = [
    *[Hostile("duplicate_key", after(members)) for members in _TWICE],
    Hostile("duplicate_key", b'{"ts": 1, ' + spelt()[1:]),
    Hostile("duplicate_key", b'{"a": 1, "a": 1}'),
    Hostile("duplicate_key", b'[{"a": 1, "a": 1}]'),
]

_GOOD = '{"ts": 1790006460000, "seq": 1, "water": 61.5}'
WHOLES = [
    Whole("duplicate_key", text.encode())
    for text in (
        '{"boot": "a", "boot": "b", "readings": [' + _GOOD + "]}",
        '{"boot": "a", "boot": "a", "readings": [' + _GOOD + "]}",
        '{"boot": null, "boot": "a", "readings": [' + _GOOD + "]}",
        '{"boot": "a", "readings": [' + _GOOD + '], "boot": null}',
        '{"boot": "a", "readings": [' + _GOOD + '], "b\\u006fot": "a"}',
        '{"device_id": "b-1", "device_id": "b-1", "readings": [' + _GOOD + "]}",
        '{"readings": [' + _GOOD + '], "readings": []}',
        '{"readings": [], "readings": [' + _GOOD + "]}",
        '{"readings": [' + _GOOD + '], "readings": [' + _GOOD + "]}",
        '{"readings": [' + _GOOD + '], "\\u0072eadings": [' + _GOOD + "]}",
        '{"\\u0072eadings": [' + _GOOD + '], "readings": [' + _GOOD + "]}",
        '{"readings": 1, "readings": [' + _GOOD + "]}",
        '{"readings": [' + _GOOD + '], "readings": null}',
        '{"zone": {"a": 1, "a": 2}, "readings": [' + _GOOD + "]}",
        '{"readings": [' + _GOOD + '], "zone": [{"a": 1, "a": 2}]}',
        '{"zone": 1, "readings": [' + _GOOD + '], "zone": 1}',
        '{"boot": "a", "boot": "b", "readings": [' + _GOOD + ', {"ts": NaN}]}',
    )
]

_UNKNOWN = [
    "zone", "", " ", "Doors", "DOORS", "doors ", " doors", "doors\u0000", "door", "doors2", "dооrs", "ｄｏｏｒｓ", "TS", "Ts", "ts ", "timestamp", "Seq", "SEQ", "sequence",
    "Boot", "boot_id", "deviceId", "Device_id", "device-id", "_extra", "event_id", "event_time", "received_at", "topic", "trace_id", "run_id", "contract", "version",
    "__proto__", "constructor", "__class__", "$where", "$schema", "@type", "a.b", "a/b", "../../etc/passwd", "'; DROP TABLE silver.vault; --", "<script>", "{", "}", "],[", '"', "\\",
    "\n", "\u0000", "é", "e\u0301", "😀", "日本", "\u202e", "\ufeff", "null", "true", "0", "-1", "k" * 1_000, "feld\tmit tab", "%s%n", "{{7*7}}", "${jndi:ldap://x}",
]  # fmt: skip

UNKNOWN_FIELD = [
    *[
        Hostile("unknown_field", vault()[:-1] + f", {json.dumps(key, ensure_ascii=False)}: 1}}".encode(), contract="vault")
        for key in _UNKNOWN
        # Raw control characters are no JSON; they are spelt with escapes.
        if key.isprintable() or key == "\ufeff"
    ],
    *[
        Hostile("unknown_field", vault()[:-1] + f", {json.dumps(key)}: {value}}}".encode(), contract="vault")
        for key, value in (
            ("doors\u0000", "1"),
            ("\n", "1"),
            ("\u0000", "1"),
            ("\u202e", "null"),
            ("feld\tmit tab", '"x"'),
            ("zone", "null"),
            ("zone", "[]"),
            ("zone", "{}"),
            ("zone", '{"doors": 1}'),
            ("zone", '"},{"'),
            ("hint2", "true"),
            ("é", "1e5"),
        )
    ],
    Hostile("unknown_field", vault(zone="1", area="2", city="3"), contract="vault"),
    Hostile("unknown_field", b'{"zone": 1, ' + vault()[1:], contract="vault"),
    Hostile("unknown_field", vault(readings="1"), alone="bad_pack", contract="vault"),
    Hostile("unknown_field", vault(readings="[]"), alone="bad_pack", contract="vault"),
    Hostile("unknown_field", vault(water="61.5"), contract="vault"),
]
