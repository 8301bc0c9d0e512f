"""The VPC: private subnets for everything that runs, public ones for the load balancer alone, endpoints of AWS's services."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as targets
from constructs import Construct

from infra.constructs.log_group import LogGroup
from infra.constructs.service_role import ServiceRole
from infra.names import Names

_Service = ec2.InterfaceVpcEndpointAwsService
# What carries data, or every start of a task: cheaper by an endpoint than through a NAT.
_ALWAYS = {
    "Sqs": _Service.SQS,
    "Logs": _Service.CLOUDWATCH_LOGS,
    "EcrApi": _Service.ECR,
    "EcrDocker": _Service.ECR_DOCKER,
    "Kms": _Service.KMS,
    "SecretsManager": _Service.SECRETS_MANAGER,
}
# What else the code calls: with no NAT it has no other way there. PyPI, Cognito's hosted pages and mail are out of reach then.
_WITHOUT_NAT = {
    "Sns": _Service.SNS,
    "Sts": _Service.STS,
    "Monitoring": _Service.CLOUDWATCH_MONITORING,
    "Lambda": _Service.LAMBDA_,
    "Athena": _Service.ATHENA,
    "Glue": _Service.GLUE,
    "EmrServerless": _Service.EMR_SERVERLESS,
    "SageMaker": _Service.SAGEMAKER_API,
    # https://docs.aws.amazon.com/iot/latest/developerguide/IoTCore-VPC.html
    "IotApi": ec2.InterfaceVpcEndpointAwsService("iot.api"),
    # https://docs.aws.amazon.com/cognito/latest/developerguide/vpc-interface-endpoints.html
    "CognitoIdp": ec2.InterfaceVpcEndpointAwsService("cognito-idp"),
    "CognitoIdentity": ec2.InterfaceVpcEndpointAwsService("cognito-identity"),
    "AirflowApi": _Service.AIRFLOW_API,
    "AirflowEnvironment": _Service.AIRFLOW_ENV,
    "Xray": _Service.XRAY,
}


class Network(Construct):
    def __init__(self, scope: Construct, construct_id: str, names: Names, key: kms.IKey) -> None:
        super().__init__(scope, construct_id)
        has_nat = names.configuration.has_nat
        private = ec2.SubnetType.PRIVATE_WITH_EGRESS if has_nat else ec2.SubnetType.PRIVATE_ISOLATED
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            vpc_name=names.of(""),
            ip_addresses=ec2.IpAddresses.cidr("10.60.0.0/16"),
            max_azs=names.configuration.profile.zones,
            nat_gateways=1 if has_nat else 0,
            subnet_configuration=[
                ec2.SubnetConfiguration(name="public", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=24, map_public_ip_on_launch=False),
                ec2.SubnetConfiguration(name="private", subnet_type=private, cidr_mask=20),
            ],
            gateway_endpoints={
                "S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3),
                "DynamoDb": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.DYNAMODB),
            },
            restrict_default_security_group=True,
        )
        self.private = ec2.SubnetSelection(subnet_type=private)
        self._log_of_the_default_group(names, key)
        self.endpoints = self._endpoint_group(names)
        for name, service in (_ALWAYS if has_nat else _ALWAYS | _WITHOUT_NAT).items():
            ec2.InterfaceVpcEndpoint(
                self, name, vpc=self.vpc, service=service, subnets=self.private, security_groups=[self.endpoints], open=False
            )
        if not has_nat:
            self._iot_data(names)
        self._flow_logs(names, key)

    @property
    def private_subnets(self) -> list[str]:
        """Their ids."""
        return self.vpc.select_subnets(subnet_type=self.private.subnet_type).subnet_ids

    def _iot_data(self, names: Names) -> None:
        """AWS IoT's data plane has no DNS of its own in a network: the name that boto3 calls is ours to give.

        https://docs.aws.amazon.com/iot/latest/developerguide/IoTCore-VPC.html
        """
        endpoint = ec2.InterfaceVpcEndpoint(
            self,
            "IotData",
            vpc=self.vpc,
            service=_Service.IOT_CORE,
            subnets=self.private,
            security_groups=[self.endpoints],
            open=False,
            private_dns_enabled=False,
        )
        zone = route53.PrivateHostedZone(
            self, "IotDataZone", vpc=self.vpc, zone_name=f"data-ats.iot.{names.configuration.region}.amazonaws.com"
        )
        route53.ARecord(
            self, "IotDataName", zone=zone, target=route53.RecordTarget.from_alias(targets.InterfaceVpcEndpointTarget(endpoint))
        )

    def _log_of_the_default_group(self, names: Names, key: kms.IKey) -> None:
        """The CDK empties the VPC's default security group by a function of its own, whose log would be kept for ever."""
        provider = cdk.Stack.of(self).node.find_child("Custom::VpcRestrictDefaultSGCustomResourceProvider")
        function = provider.node.find_child("Handler")
        if not isinstance(function, cdk.CfnResource):
            raise TypeError(f"{function.node.path} is no function: the CDK has changed")
        group = LogGroup(self, "DefaultGroupLogs", names, key, names.log_group("default-group"))
        function.add_property_override("LoggingConfig.LogGroup", group.log_group_name)

    def _endpoint_group(self, names: Names) -> ec2.SecurityGroup:
        group = ec2.SecurityGroup(
            self,
            "EndpointsGroup",
            vpc=self.vpc,
            security_group_name=names.of("endpoints"),
            description="Endpoints of AWS services: TLS from the VPC",
            allow_all_outbound=False,
        )
        group.add_ingress_rule(ec2.Peer.ipv4("10.60.0.0/16"), ec2.Port.tcp(443), "TLS from the VPC")
        return group

    def _flow_logs(self, names: Names, key: kms.IKey) -> None:
        group = LogGroup(self, "FlowLogs", names, key, names.log_group("flow-logs"))
        role = ServiceRole(self, "FlowLogsRole", names, "flow-logs")
        self.vpc.add_flow_log("FlowLog", destination=ec2.FlowLogDestination.to_cloud_watch_logs(group, role.role))
