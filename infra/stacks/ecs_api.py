"""EcsApiStack: all APIs as one service on Fargate, behind a load balancer and a firewall, at the deployment's domain name."""

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as targets
from aws_cdk import aws_wafv2 as waf
from constructs import Construct

from fleet.tables import DEVICE_HISTORY, DEVICES
from infra.base_stack import BaseStack
from infra.constructs.api_tables import ApiTables
from infra.constructs.firewall import Firewall
from infra.constructs.log_group import LogGroup
from infra.constructs.service_role import ServiceRole
from infra.environment import variables
from infra.names import Names
from infra.packages import api_image
from infra.stacks.auth import AuthStack
from infra.stacks.foundation import FoundationStack
from infra.stacks.iot_poc import IotPocStack

_PORT = 8000


class EcsApiStack(BaseStack):
    def __init__(
        self, scope: Construct, construct_id: str, names: Names, foundation: FoundationStack, auth: AuthStack, iot_poc: IotPocStack
    ) -> None:
        super().__init__(scope, construct_id, names, "the APIs on Fargate")
        self._foundation = foundation
        ApiTables(self, "Tables", names, foundation.key, (DEVICES, DEVICE_HISTORY), self.removal)
        self._tasks = self._group("Tasks", "api-tasks", "Tasks of the APIs: in from the load balancer")
        self._tasks.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "endpoints of AWS")
        iot_poc.time_series.admit("Api", self._tasks)
        self.cluster = ecs.Cluster(
            self,
            "Cluster",
            cluster_name=names.of(""),
            vpc=foundation.network.vpc,
            container_insights_v2=ecs.ContainerInsights.ENABLED,
            enable_fargate_capacity_providers=True,
        )
        self.service = self._service(self._task({**auth.users, **iot_poc.time_series.settings}))
        self._scale()
        self.balancer = self._balancer()
        self.tell(api_url=self.settings.api_url, table_prefix=self.settings.table_prefix)

    def _group(self, construct_id: str, name: str, description: str) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(
            self,
            construct_id,
            vpc=self._foundation.network.vpc,
            security_group_name=self.names.of(name),
            description=description,
            allow_all_outbound=False,
        )

    def _task(self, settings: dict[str, str]) -> ecs.FargateTaskDefinition:
        task = ecs.FargateTaskDefinition(
            self,
            "Task",
            family=self.names.of("api"),
            cpu=self.profile.api_cpu,
            memory_limit_mib=self.profile.api_memory,
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=ecs.CpuArchitecture.ARM64, operating_system_family=ecs.OperatingSystemFamily.LINUX
            ),
            task_role=ServiceRole(self, "TaskRole", self.names, "api").role,
            execution_role=ServiceRole(self, "ExecutionRole", self.names, "api-execution").role,
            # SQL of users runs in a folder of its own, which is thrown away.
            volumes=[ecs.Volume(name="tmp")],
        )
        group = LogGroup(self, "Logs", self.names, self._foundation.key, self.names.log_group("api"))
        container = task.add_container(
            "api",
            image=api_image(),
            environment=variables(self.names, settings) | {"FLEETLAKE_BIND_ADDRESS": "0.0.0.0", "FLEETLAKE_API_PORT": str(_PORT)},
            logging=ecs.LogDrivers.aws_logs(stream_prefix="api", log_group=group),
            port_mappings=[ecs.PortMapping(container_port=_PORT)],
            readonly_root_filesystem=True,
            stop_timeout=cdk.Duration.seconds(30),
            linux_parameters=ecs.LinuxParameters(self, "Init", init_process_enabled=True),
        )
        container.add_mount_points(ecs.MountPoint(container_path="/tmp", source_volume="tmp", read_only=False))
        return task

    def _service(self, task: ecs.FargateTaskDefinition) -> ecs.FargateService:
        least, _ = self.profile.api_tasks
        return ecs.FargateService(
            self,
            "Service",
            service_name=self.names.of("api"),
            cluster=self.cluster,
            task_definition=task,
            desired_count=least,
            min_healthy_percent=100,
            max_healthy_percent=200,
            # A version that does not become healthy is rolled back by itself.
            circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
            health_check_grace_period=cdk.Duration.seconds(60),
            vpc_subnets=self._foundation.network.private,
            security_groups=[self._tasks],
            assign_public_ip=False,
            propagate_tags=ecs.PropagatedTagSource.SERVICE,
        )

    def _scale(self) -> None:
        least, most = self.profile.api_tasks
        scaling = self.service.auto_scale_task_count(min_capacity=least, max_capacity=most)
        scaling.scale_on_cpu_utilization(
            "Cpu", target_utilization_percent=60, scale_in_cooldown=cdk.Duration.minutes(5), scale_out_cooldown=cdk.Duration.minutes(1)
        )

    def _balancer(self) -> elb.ApplicationLoadBalancer:
        names, configuration, network = self.names, self.names.configuration, self._foundation.network
        zone = route53.HostedZone.from_hosted_zone_attributes(
            self, "Zone", hosted_zone_id=configuration.hosted_zone_id, zone_name=configuration.hosted_zone_name
        )
        certificate = acm.Certificate(
            self, "Certificate", domain_name=configuration.domain_name, validation=acm.CertificateValidation.from_dns(zone)
        )
        group = self._group("Balancer", "api-balancer", "The load balancer: TLS from anywhere")
        group.add_ingress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "TLS")
        group.add_ingress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(80), "Redirected to TLS")
        group.add_egress_rule(self._tasks, ec2.Port.tcp(_PORT), "The APIs")
        self._tasks.add_ingress_rule(group, ec2.Port.tcp(_PORT), "The load balancer")
        balancer = elb.ApplicationLoadBalancer(
            self,
            "LoadBalancer",
            load_balancer_name=names.of("api"),
            vpc=network.vpc,
            internet_facing=True,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
            security_group=group,
            deletion_protection=self.profile.keeps_data,
            drop_invalid_header_fields=True,
            desync_mitigation_mode=elb.DesyncMitigationMode.STRICTEST,
        )
        balancer.log_access_logs(self._foundation.access_logs, "balancer")
        balancer.add_redirect(open=False)
        listener = balancer.add_listener("Tls", port=443, certificates=[certificate], ssl_policy=elb.SslPolicy.TLS13_12_RES_PQ, open=False)
        listener.add_targets(
            "Api",
            target_group_name=names.of("api"),
            port=_PORT,
            protocol=elb.ApplicationProtocol.HTTP,
            targets=[self.service],
            deregistration_delay=cdk.Duration.seconds(30),
            health_check=elb.HealthCheck(
                path="/health?check=live", interval=cdk.Duration.seconds(15), healthy_threshold_count=2, unhealthy_threshold_count=3
            ),
        )
        firewall = Firewall(self, "Firewall", names=names, name="api", log_key=self._foundation.key)
        waf.CfnWebACLAssociation(self, "Guarded", resource_arn=balancer.load_balancer_arn, web_acl_arn=firewall.arn)
        route53.ARecord(
            self,
            "Address",
            zone=zone,
            record_name=configuration.domain_name,
            target=route53.RecordTarget.from_alias(targets.LoadBalancerTarget(balancer)),
        )
        return balancer
