"""A Lambda function of ours: its role, its logs, its place in the network, its limits."""

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.base_stack import BaseStack
from infra.constructs.log_group import LogGroup
from infra.constructs.process_group import ProcessGroup
from infra.constructs.service_role import ServiceRole
from infra.environment import variables
from infra.packages import FunctionPackage
from infra.stacks.foundation import FoundationStack


class Function(Construct):
    """`name` is the function's and its role's; `settings` are those that only AWS knows, beside what `infra/environment.py` gives."""

    def __init__(
        self,
        scope: BaseStack,
        construct_id: str,
        *,
        foundation: FoundationStack,
        name: str,
        package: FunctionPackage,
        handler: str,
        what: str,
        settings: Mapping[str, str],
        timeout_seconds: int,
        memory: int,
        concurrency: int,
    ) -> None:
        super().__init__(scope, construct_id)
        names = scope.names
        self.group = ProcessGroup(self, "Group", names, foundation.network.vpc, name, f"{names.of(name)}: out by TLS")
        group_of_logs = LogGroup(self, "Logs", names, foundation.key, names.log_group(name))
        self.role = ServiceRole(self, "Role", names, name)
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=names.of(name),
            description=what,
            runtime=package.runtime,
            architecture=package.architecture,
            handler=handler,
            code=package.code(),
            role=self.role.role,
            environment=variables(names, settings),
            environment_encryption=foundation.key,
            timeout=cdk.Duration.seconds(timeout_seconds),
            memory_size=memory,
            reserved_concurrent_executions=concurrency,
            vpc=foundation.network.vpc,
            vpc_subnets=foundation.network.private,
            security_groups=[self.group],
            log_group=group_of_logs,
            logging_format=lambda_.LoggingFormat.TEXT,
            tracing=lambda_.Tracing.ACTIVE,
        )
