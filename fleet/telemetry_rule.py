"""The IoT rule that takes telemetry to its queue, declared once: the laptop's cloud and the infrastructure code create it from here."""

from runtime.settings import Settings

SQL_VERSION = "2016-03-23"
DESCRIPTION = "Keeps each message byte for byte, with who sent it and when it arrived."


def rule_sql(settings: Settings) -> str:
    """The rule's SELECT. ``encode(*, 'base64')`` keeps any bytes; a plain ``*`` would lose what is not a JSON object."""
    device = len(settings.topic_prefix.split("/")) + 1
    return (
        "SELECT encode(*, 'base64') AS payload, "  # noqa: S608 - a rule made of our own settings
        f"topic() AS topic, topic({device}) AS device_id, topic({device + 1}) AS contract, "
        "timestamp() AS received_at, principal() AS principal, clientid() AS client_id, traceid() AS trace_id "
        # At whatever depth: the policy's * reaches over slashes, and what a device was acknowledged must be somewhere.
        f"FROM '{settings.topic_prefix}/#'"
    )
