"""Messages that are JSON and yet no readings, or name another device, or came on a topic without a contract."""

import json
from typing import Any

from tests.hostile.cases import Hostile, Whole, after, spelt

_GOOD = b'{"ts": 1790006460000, "seq": 7, "water": 61.5}'

BAD_PACK = [
    Whole("bad_pack", payload)
    for payload in (
        # Neither an object nor anything in it.
        b"null", b"true", b"false", b"0", b"-0", b"17", b"1.5e3", b'""', b'"text"', b'"\\u0041"', b'"readings"', b'"{\\"ts\\": 1}"', b"[]", b"[1, 2]", b"[[]]", b"[{}]", b"[null]",
        b" [ ] ", b"[" + _GOOD + b"]", b"[" + _GOOD + b", " + _GOOD + b"]", b'["readings", []]', b'[{"readings": [' + _GOOD + b"]}]", b"[" * 16 + b"]" * 16,
        # An object that says nothing of readings.
        b"{}", b" {\n} ", b'{"boot": "b7"}', b'{"boot": 7}', b'{"device_id": "b-1"}', b'{"device_id": "b-2"}', b'{"seq": 7, "water": 61.5}', b'{"": []}', b'{"a": {"ts": 1}}',
        b'{"data": {"readings": [' + _GOOD + b"]}}", b'{"reading": ' + _GOOD + b"}", b'{"Readings": [' + _GOOD + b"]}", b'{"READINGS": [' + _GOOD + b"]}",
        b'{"readings ": [' + _GOOD + b"]}", b'{" readings": [' + _GOOD + b"]}", b'{"readings\\u0000": [' + _GOOD + b"]}", b'{"reading\\u017f": [' + _GOOD + b"]}",
        "{\"rеadings\": []}".encode(), "{\"readings\u200b\": []}".encode(), b'{"x": "readings"}', b'{"x": "\\"readings\\": []"}', b'{"TS": 1790006460000, "water": 1}',
        b'{"readingsreadings": []}', b'{"a": 9223372036854775807, "b": 1e308}',
        # Readings that are no list, or an empty one.
        b'{"readings": []}', b'{"readings": [ ]}', b'{"readings": [\n\t]}', b'{"readings": null}', b'{"readings": {}}', b'{"readings": ' + _GOOD + b"}", b'{"readings": "[]"}',
        b'{"readings": ""}', b'{"readings": 1}', b'{"readings": 0}', b'{"readings": 1.5}', b'{"readings": true}', b'{"readings": false}', b'{"readings": {"0": ' + _GOOD + b"}}",
        b'{"readings": {"readings": [' + _GOOD + b"]}}", b'{"boot": "b7", "readings": []}', b'{"readings": [], "boot": "b7"}', b'{"\\u0072eadings": []}',
        b'{"ts": 1790006460000, "water": 1, "readings": []}', b'{"ts": 1790006460000, "water": 1, "readings": null}', b'{"readings": [], "more": [' + _GOOD + b"]}",
        # The first reason counts: a head that is wrong too comes after it.
        b'{"boot": 7, "readings": []}', b'{"device_id": "b-2", "readings": []}', b'{"device_id": null, "readings": {}}',
    )
]  # fmt: skip

_OTHER_DEVICES: list[Any] = [
    "b-2", "B-1", "b-1 ", " b-1", "b-1\u0000", "b-1\n", "", " ", "b", "b-", "b-11", "b-01", "b_1", "b1", "-1", "b\u20111", "b\u00ad-1", "ｂ-1", "b-１", "b-1\u200b", "\ufeffb-1", "Ь-1",
    "b-1/", "/b-1", "../b-1", "b-1/../b-2", "b%2d1", "b-1?x", "dt/fleetlake/b-1/kiln", "arn:aws:iot:eu-central-1:1:thing/b-1", "*", "#", "+", "$aws", "null", "b-1' OR '1'='1",
    "b-1,b-2", "[b-1]", "e\u0301", "😀", "b" * 5_000, "},{", "cert-1", None, True, False, 0, 1, -1, 1.5, [], ["b-1"], {}, {"id": "b-1"}, [["b-1"]], ["b-1", "b-2"],
]  # fmt: skip

DEVICE_MISMATCH = [
    *[
        Hostile("device_mismatch", after('"device_id": ' + json.dumps(device, ensure_ascii=index % 2 == 0)))
        for index, device in enumerate(_OTHER_DEVICES)
    ],
    Hostile("device_mismatch", after('"d\\u0065vice_id": "b-2"')),
    Hostile("device_mismatch", b'{"device_id": "b-2", ' + spelt()[1:]),
    # The first reason counts.
    Hostile("device_mismatch", spelt(seq='"7"', device_id='"b-2"')),
    Hostile("device_mismatch", spelt(ts="null", device_id='"b-2"')),
    Hostile("device_mismatch", b'{"device_id": "b-2"}', alone="bad_pack"),
]

UNKNOWN_CONTRACT = [
    Whole("unknown_contract", b'{"boot": "b7", "readings": [' + _GOOD + b"]}", contract)
    for contract in (
        "boiler", "Kiln", "KILN", "kiln ", " kiln", "kiln\n", "kiln\u0000", "kiln\t", "kil", "kilns", "kiln2", "kiln.v1", "kiln.yaml", "kiln_hourly", "_unknown", "_", "-", ".", "..", "/",
        "//", "kiln/", "/kiln", "kiln/vault", "kiln/../vault", "../kiln", "../../etc/passwd", "..\\..\\windows", "C:\\kiln", "~/kiln", "%2e%2e%2fkiln", "kiln%00", "s3://bucket/kiln", "file:///etc",
        "kiln?x=1", "kiln#x", "reason=not_json", "ingest_date=2026-09-21", "*", "#", "+", "$aws", "$share/x/kiln", "kiln'; DROP TABLE bronze.kiln; --", '"kiln"', "{kiln}", "${kiln}", "{{kiln}}",
        "<kiln>", "к\u0456ln", "ｋｉｌｎ", "kıln", "KİLN", "kiln\u200b", "\ufeffkiln", "ki\u0301ln", "ki\u00adln", "日本", "😀", "k" * 5_000, "con", "nul", "None", "null", "0", "__class__", "vault\r\n", "\u202enlik",
    )
] + [
    # The first reason counts, whatever the bytes are.
    Whole("unknown_contract", payload, "boiler") for payload in (b"", b"\xff", b"{", b"[" * 100_000, b" " * 200_000, b'{"readings": []}', _GOOD)
]  # fmt: skip

WHOLES = [
    *BAD_PACK,
    *UNKNOWN_CONTRACT,
    *[
        Whole("device_mismatch", b'{"device_id": ' + json.dumps(device).encode() + b', "readings": [' + _GOOD + b"]}")
        for device in _OTHER_DEVICES
    ],
    Whole("device_mismatch", b'{"readings": [' + _GOOD + b'], "device_id": "b-2"}'),
    Whole("device_mismatch", b'{"device_id": "b-2", "readings": [{"ts": NaN}, ' + _GOOD + b"]}"),
    Whole("device_mismatch", b'{"device_id": "b-2", "boot": 7, "readings": [' + _GOOD + b"]}"),
    # A pack that parses but spells its readings' key with an escape is not told apart: it is kept whole, for the first reason in it.
    Whole("out_of_range", b'{"\\u0072eadings": [' + _GOOD + b', {"ts": 1790006460000, "water": 500}, {"ts": 0}]}'),
    Whole("missing", b'{"readin\\u0067s": [{}, ' + _GOOD + b"]}"),
    Whole("wrong_type", b'{"r\\u0065adings": [7, ' + _GOOD + b"]}"),
    Whole("not_finite", b'{"r\\u0065adings": [{"ts": NaN}, ' + _GOOD + b"]}"),
]
