"""What AWS IoT holds of every device, declared once: the laptop's cloud and the infrastructure code create it from here."""

from typing import Any

from runtime.settings import Settings

_THING = "${iot:Connection.Thing.ThingName}"
# The thing's name too where the thing is attached, as each statement demands, and half as long.
_CLIENT = "${iot:ClientId}"
_OWN = f"$aws/things/{_CLIENT}"
# Each by itself: a * reaches over slashes, so with `shadow/*` a device could publish what the service alone may say of its shadow.
_REQUESTS = (
    *(f"{shadow}/{verb}" for shadow in ("shadow", "shadow/name/*") for verb in ("get", "update", "delete")),
    *("jobs/get", "jobs/start-next", "jobs/*/get", "jobs/*/update"),
)


def device_policy(settings: Settings) -> dict[str, Any]:
    """A device connects as the thing its certificate is attached to; it publishes telemetry and uses shadows and jobs under that name alone.

    AWS IoT takes 2,048 characters of a policy, white space aside: https://docs.aws.amazon.com/general/latest/gr/iot-core.html
    """
    arn = f"arn:aws:iot:{settings.region}:{settings.account}"
    telemetry = f"{settings.topic_prefix}/{_CLIENT}/*"
    topics = (telemetry, f"$aws/rules/{settings.rule_name}/{telemetry}", *(f"{_OWN}/{request}" for request in _REQUESTS))
    answers = [f"{arn}:{kind}/{_OWN}/{part}/*" for kind in ("topicfilter", "topic") for part in ("shadow", "jobs")]
    return {
        "Version": "2012-10-17",
        "Statement": [
            _allow(["iot:Connect"], [f"{arn}:client/{_THING}"]),
            _allow(["iot:Publish"], [f"{arn}:topic/{topic}" for topic in topics]),
            _allow(["iot:Subscribe", "iot:Receive"], answers),
        ],
    }


def _allow(actions: list[str], resources: list[str]) -> dict[str, Any]:
    attached = {"Bool": {"iot:Connection.Thing.IsAttached": ["true"]}}
    return {"Effect": "Allow", "Action": actions, "Resource": resources, "Condition": attached}
