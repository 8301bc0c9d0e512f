"""What changed from one version of a device to the next."""

from services.devices.history import changes


def test_changes_are_told_key_by_key() -> None:
    before = {"type": "a", "attributes": {"x": "1", "y": "2"}, "groups": ["g"], "tags": {}, "certificate_ids": []}
    after = {"type": "", "attributes": {"x": "1", "y": "3", "z": "4"}, "groups": ["g"], "tags": {"t": ""}, "certificate_ids": []}
    assert changes(before, after) == [
        {"field": "attributes.y", "before": "2", "after": "3"},
        {"field": "attributes.z", "before": None, "after": "4"},
        {"field": "tags.t", "before": None, "after": ""},
        {"field": "type", "before": "a", "after": None},
    ]
