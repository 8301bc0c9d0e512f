"""EcsApiStack: all APIs as one service on Fargate, behind a load balancer and a firewall, at the deployment's domain name."""

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as targets
from aws_cdk import aws_wafv2 as waf
from constructs import Construct

from fleet.tables import DEVICE_HISTORY, DEVICES
from infra.base_stack import BaseStack
from infra.constructs.api_tables import ApiTables
from infra.constructs.backups import backed_up
from infra.constructs.container_service import ContainerService
from infra.constructs.firewall import Firewall
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
        tables = ApiTables(self, "Tables", names, foundation.key, (DEVICES, DEVICE_HISTORY), self.removal)
        backed_up(self, names, tables.backup_resources)
        self.service = ContainerService(
            self,
            "Api",
            foundation=foundation,
            name="api",
            image=api_image(),
            what="Tasks of the APIs: in from the load balancer",
            settings={**auth.users, **iot_poc.time_series.settings, "bind_address": "0.0.0.0", "api_port": str(_PORT)},
            cpu=self.profile.api_cpu,
            memory=self.profile.api_memory,
            tasks=self.profile.api_tasks,
            stop_seconds=30,
            port=_PORT,
        )
        iot_poc.time_series.admit("Api", self.service.group)
        self.balancer = self._balancer()
        self.tell(api_url=self.settings.api_url, table_prefix=self.settings.table_prefix)

    def _balancer(self) -> elb.ApplicationLoadBalancer:
        names, configuration, network = self.names, self.names.configuration, self._foundation.network
        zone = route53.HostedZone.from_hosted_zone_attributes(
            self, "Zone", hosted_zone_id=configuration.hosted_zone_id, zone_name=configuration.hosted_zone_name
        )
        certificate = acm.Certificate(
            self, "Certificate", domain_name=configuration.domain_name, validation=acm.CertificateValidation.from_dns(zone)
        )
        tasks = self.service.group
        group = ec2.SecurityGroup(
            self,
            "Balancer",
            vpc=network.vpc,
            security_group_name=names.of("api-balancer"),
            description="The load balancer: TLS from anywhere",
            allow_all_outbound=False,
        )
        group.add_ingress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "TLS")
        group.add_ingress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(80), "Redirected to TLS")
        group.add_egress_rule(tasks, ec2.Port.tcp(_PORT), "The APIs")
        tasks.add_ingress_rule(group, ec2.Port.tcp(_PORT), "The load balancer")
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
            targets=[self.service.service],
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
