"""The security group of a process of ours: out by TLS alone, in from nowhere until somebody lets it in."""

from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from infra.names import Names


class ProcessGroup(ec2.SecurityGroup):
    def __init__(self, scope: Construct, construct_id: str, names: Names, vpc: ec2.IVpc, name: str, what: str) -> None:
        super().__init__(scope, construct_id, vpc=vpc, security_group_name=names.of(name), description=what, allow_all_outbound=False)
        self.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "endpoints of AWS")
