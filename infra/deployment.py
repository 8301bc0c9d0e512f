"""Which stacks there are, and which stands on which."""

import aws_cdk as cdk

from infra.base_stack import BaseStack
from infra.configuration import Configuration
from infra.names import Names
from infra.stacks.analytics import AnalyticsStack
from infra.stacks.auth import AuthStack
from infra.stacks.device_shadow import DeviceShadowStack
from infra.stacks.ecs_api import EcsApiStack
from infra.stacks.foundation import FoundationStack
from infra.stacks.iot_poc import IotPocStack
from infra.stacks.lake import LakeStack
from infra.stacks.monitoring import MonitoringStack
from infra.stacks.ota import OtaStack


class Deployment:
    """Every stack by the name that `cdk deploy` is told."""

    def __init__(self, app: cdk.App, configuration: Configuration) -> None:
        names = Names(configuration)
        self.app, self.names = app, names
        foundation = FoundationStack(app, "FoundationStack", names)
        lake = LakeStack(app, "LakeStack", names, foundation)
        iot_poc = IotPocStack(app, "IotPocStack", names, foundation, lake)
        auth = AuthStack(app, "AuthStack", names, foundation)
        shadow = DeviceShadowStack(app, "DeviceShadowStack", names, foundation, auth, iot_poc)
        api = EcsApiStack(app, "EcsApiStack", names, foundation, auth, iot_poc)
        analytics = AnalyticsStack(app, "AnalyticsStack", names, foundation, lake, iot_poc)
        self.stacks: tuple[BaseStack, ...] = (
            *(foundation, lake, iot_poc, auth, shadow, api, analytics),
            OtaStack(app, "OtaStack", names, foundation),
            MonitoringStack(app, "MonitoringStack", names, foundation, api, analytics),
        )
