"""A process of ours as a service on Fargate: its roles, its logs, its place in the network, how it is replaced and how it is known to live."""

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from infra.base_stack import BaseStack
from infra.constructs.log_group import LogGroup
from infra.constructs.process_group import ProcessGroup
from infra.constructs.service_role import ServiceRole
from infra.environment import variables
from infra.stacks.foundation import FoundationStack

_CPU_PERCENT = 60


class ContainerService(Construct):
    """`name` is the service's and its role's. `settings` are those that only AWS knows, beside what `infra/environment.py` gives.

    `port` is what it serves; 0 where it serves nothing. `check` is the command by which ECS knows that it lives; empty where a load balancer asks.
    """

    def __init__(
        self,
        scope: BaseStack,
        construct_id: str,
        *,
        foundation: FoundationStack,
        name: str,
        image: ecs.ContainerImage,
        what: str,
        settings: Mapping[str, str],
        cpu: int,
        memory: int,
        tasks: tuple[int, int],
        stop_seconds: int,
        port: int = 0,
        check: Sequence[str] = (),
    ) -> None:
        super().__init__(scope, construct_id)
        names = scope.names
        self.group = ProcessGroup(self, "Group", names, foundation.network.vpc, f"{name}-tasks", what)
        task = ecs.FargateTaskDefinition(
            self,
            "Task",
            family=names.of(name),
            cpu=cpu,
            memory_limit_mib=memory,
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=ecs.CpuArchitecture.ARM64, operating_system_family=ecs.OperatingSystemFamily.LINUX
            ),
            task_role=ServiceRole(self, "TaskRole", names, name).role,
            execution_role=ServiceRole(self, "ExecutionRole", names, f"{name}-execution").role,
            # All else of a container is read-only.
            volumes=[ecs.Volume(name="tmp")],
        )
        container = task.add_container(
            name,
            image=image,
            environment=variables(names, settings),
            logging=ecs.LogDrivers.aws_logs(
                stream_prefix=name, log_group=LogGroup(self, "Logs", names, foundation.key, names.log_group(name))
            ),
            port_mappings=[ecs.PortMapping(container_port=port)] if port else None,
            health_check=_health(check) if check else None,
            readonly_root_filesystem=True,
            stop_timeout=cdk.Duration.seconds(stop_seconds),
            linux_parameters=ecs.LinuxParameters(self, "Init", init_process_enabled=True),
        )
        container.add_mount_points(ecs.MountPoint(container_path="/tmp", source_volume="tmp", read_only=False))
        least, most = tasks
        self.service = ecs.FargateService(
            self,
            "Service",
            service_name=names.of(name),
            cluster=foundation.cluster,
            task_definition=task,
            # How many is the scaling's to say: a number here would take back with each deploy what it has made of it.
            min_healthy_percent=100,
            max_healthy_percent=200,
            # A version that does not become healthy is rolled back by itself.
            circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
            health_check_grace_period=cdk.Duration.seconds(60) if port else None,
            vpc_subnets=foundation.network.private,
            security_groups=[self.group],
            assign_public_ip=False,
            propagate_tags=ecs.PropagatedTagSource.SERVICE,
        )
        self.scaling = self.service.auto_scale_task_count(min_capacity=least, max_capacity=most)
        self.scaling.scale_on_cpu_utilization(
            "Cpu",
            target_utilization_percent=_CPU_PERCENT,
            scale_in_cooldown=cdk.Duration.minutes(5),
            scale_out_cooldown=cdk.Duration.minutes(1),
        )


def _health(command: Sequence[str]) -> ecs.HealthCheck:
    return ecs.HealthCheck(
        command=["CMD", *command],
        interval=cdk.Duration.seconds(30),
        timeout=cdk.Duration.seconds(10),
        retries=3,
        start_period=cdk.Duration.seconds(60),
    )
