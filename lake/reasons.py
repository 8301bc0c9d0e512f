"""Why a reading is in quarantine: the closed list of reason codes, each with a sentence."""

from enum import StrEnum


class Reason(StrEnum):
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    DUPLICATE_KEY = "duplicate_key"
    TOO_DEEP = "too_deep"
    TOO_LARGE = "too_large"
    NUMBER_OUT_OF_RANGE = "number_out_of_range"
    NOT_FINITE = "not_finite"
    LONE_SURROGATE = "lone_surrogate"
    WRONG_TYPE = "wrong_type"
    MISSING = "missing"
    OUT_OF_RANGE = "out_of_range"
    UNKNOWN_FIELD = "unknown_field"
    BAD_TIME = "bad_time"
    FUTURE_TIME = "future_time"
    DEVICE_MISMATCH = "device_mismatch"
    UNKNOWN_CONTRACT = "unknown_contract"
    BAD_PACK = "bad_pack"
    BAD_ENVELOPE = "bad_envelope"
    EVENT_ID_CONFLICT = "event_id_conflict"
    GATE_REFUSED = "gate_refused"


MEANING = {
    Reason.NOT_UTF8: "The bytes are not UTF-8.",
    Reason.NOT_JSON: "The text is not JSON.",
    Reason.DUPLICATE_KEY: "An object names a key twice.",
    Reason.TOO_DEEP: "The JSON is nested more deeply than readings are.",
    Reason.TOO_LARGE: "The message is above 100 KB, or the pack above 250 readings.",
    Reason.NUMBER_OUT_OF_RANGE: "A number does not fit a double, or a whole number does not fit 64 bits.",
    Reason.NOT_FINITE: "NaN or Infinity stands where a number must be.",
    Reason.LONE_SURROGATE: "A text holds half of a surrogate pair, which is no character.",
    Reason.WRONG_TYPE: "A field's value has another type than the contract says.",
    Reason.MISSING: "A required field, or the time, is absent or null.",
    Reason.OUT_OF_RANGE: "A value is outside the contract's range, length or enum.",
    Reason.UNKNOWN_FIELD: "A field is not in the contract, which quarantines unknown fields.",
    Reason.BAD_TIME: "The time cannot be read, or cannot be.",
    Reason.FUTURE_TIME: "The time lies too far ahead of the arrival.",
    Reason.DEVICE_MISMATCH: "The payload names another device than the topic.",
    Reason.UNKNOWN_CONTRACT: "There is no contract of the topic's name.",
    Reason.BAD_PACK: "The message is JSON, but neither a pack of readings nor a reading.",
    Reason.BAD_ENVELOPE: "The queue's message is not what the rule writes.",
    Reason.EVENT_ID_CONFLICT: "Another reading with this identity and other values was published first.",
    Reason.GATE_REFUSED: "A person refused the run that held it.",
}
