"""What cdk-nag finds and we keep: each for one rule and one resource, with the reason, and since when.

A suppression whose resource is gone, or whose rule would find nothing there any more, fails the tests: it must go too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Suppression:
    rule: str
    # Path of the construct in the app.
    resource: str
    reason: str
    since: date


FIRST = date(2026, 11, 29)
_NIST = "NIST.800.53.R5-"
_SOLUTIONS = "AwsSolutions-"
_GATEWAYS = ("AuthStack/Gateway/Api", "DeviceShadowStack/Gateway/Api")
_STAGES = tuple(f"{gateway}/DeploymentStage.v1/Resource" for gateway in _GATEWAYS)
_FUNCTIONS = (
    "IotPocStack/Ingest/Function/Resource",
    "AuthStack/Api/Function/Resource",
    "DeviceShadowStack/Feed/Function/Resource",
    "DeviceShadowStack/FleetShadow/Function/Resource",
    "DeviceShadowStack/Api/Function/Resource",
)
# CDK's own, which copies archives while a stack is deployed.
_PUBLISHER = "AnalyticsStack/Custom::CDKBucketDeployment8693BB64968944B69AAFB0CC9EB8756C2048MiB4096MiBc86f2c86b18c912caf9d679d8a5bc4bd5116de83e0/Resource"
_SECRETS = ("IotPocStack/TimeSeries/InfluxPassword/Resource", "IotPocStack/TimeSeries/InfluxToken/Resource")
_ACCESS_LOGS = "FoundationStack/AccessLogs/Resource"
_BUCKETS = (
    "LakeStack/Lake/Resource",
    "LakeStack/Answers/Resource",
    "LakeStack/TrailLogs/Resource",
    "AnalyticsStack/Artifacts/Resource",
    "OtaStack/Firmware/Resource",
    _ACCESS_LOGS,
)
# Rules, resources, reason.
_KEPT: tuple[tuple[tuple[str, ...], tuple[str, ...], str], ...] = (
    (
        (f"{_SOLUTIONS}APIG2",),
        tuple(f"{gateway}/Resource" for gateway in _GATEWAYS),
        "One proxy for all paths: the function checks each body by its own schema and answers with a problem that says what is wrong.",
    ),
    (
        (f"{_SOLUTIONS}APIG4", f"{_SOLUTIONS}COG4"),
        ("AuthStack/Gateway/Api/Default/{proxy+}/ANY/Resource",),
        "Signing up and in is done without a token; the function checks the token of every other call by itself.",
    ),
    (
        (f"{_SOLUTIONS}APIG6", f"{_NIST}APIGWExecutionLoggingEnabled"),
        _STAGES,
        "Execution logs hold request headers, and with them tokens; access logs are on.",
    ),
    ((f"{_NIST}APIGWCacheEnabledAndEncrypted",), _STAGES, "An answer is one caller's alone: a cache would give it to another."),
    (
        (f"{_NIST}APIGWSSLEnabled",),
        _STAGES,
        "The backend is a function, called by IAM; there is no server to show a client certificate to.",
    ),
    (
        (f"{_SOLUTIONS}COG1",),
        ("AuthStack/UserPool",),
        "12 characters of three kinds, leaked passwords refused; NIST SP 800-63B advises against asking for symbols.",
    ),
    (
        (f"{_SOLUTIONS}COG2",),
        ("AuthStack/UserPool",),
        "Devices sign in too and have no authenticator; people may have one, and threat protection asks for it where a sign-in is odd.",
    ),
    (
        (f"{_SOLUTIONS}EC23",),
        ("EcsApiStack/Balancer/Resource",),
        "The APIs are for users anywhere: TLS alone, behind a firewall and a rate limit.",
    ),
    (
        (f"{_NIST}VPCNoUnrestrictedRouteToIGW",),
        tuple(f"FoundationStack/Network/Vpc/publicSubnet{number}/DefaultRoute" for number in (1, 2, 3)),
        "The public subnets hold the load balancer and the NAT, and nothing of ours runs in them.",
    ),
    (
        (f"{_NIST}ELBv2ACMCertificateRequired",),
        ("EcsApiStack/LoadBalancer/Redirect80To443/Resource",),
        "It answers every call with a redirect to TLS.",
    ),
    (
        (f"{_NIST}ELBDeletionProtectionEnabled",),
        ("EcsApiStack/LoadBalancer/Resource",),
        "Of a development deployment, which is taken away again by its own command; production has it.",
    ),
    (
        (f"{_SOLUTIONS}ECS2",),
        ("EcsApiStack/Api/Task/Resource", "IotPocStack/Worker/Task/Resource"),
        "The variables are names and ids; the one secret is given by its ARN and read from Secrets Manager.",
    ),
    (
        (f"{_SOLUTIONS}L1",),
        _FUNCTIONS,
        "Python 3.12 is what every library was tested with, and what MWAA runs; AWS supports it until October 2028.",
    ),
    (
        (f"{_NIST}LambdaDLQ",),
        _FUNCTIONS,
        "A dead-letter queue of the function is for asynchronous calls: these take from queues that have one, answer a caller, or come again in five minutes.",
    ),
    (
        (f"{_SOLUTIONS}L1", f"{_NIST}LambdaDLQ", f"{_NIST}LambdaConcurrency"),
        (_PUBLISHER,),
        "CDK's own function, which runs while a stack is deployed: a failure of it is the deployment's, and CDK chooses its runtime.",
    ),
    (
        (f"{_NIST}EC2RestrictedCommonPorts",),
        ("AnalyticsStack/Group/from AnalyticsStackGroupAF532F8E:ALL TRAFFIC",),
        "From members of the group alone: MWAA's and Spark's workers talk to each other on ports of their own choice.",
    ),
    (
        (f"{_SOLUTIONS}SMG4", f"{_NIST}SecretsManagerRotationEnabled"),
        _SECRETS,
        "Timestream for InfluxDB has no rotation by Secrets Manager; docs/deploy.md says how an operator changes them.",
    ),
    (
        (f"{_SOLUTIONS}S1", f"{_NIST}S3BucketLoggingEnabled"),
        (_ACCESS_LOGS,),
        "It is where access logs go: to log the writing of logs would never end.",
    ),
    (
        (f"{_NIST}S3DefaultEncryptionKMS",),
        (_ACCESS_LOGS,),
        "S3 and load balancers write access logs only to a bucket that is encrypted by S3's own key.",
    ),
    (
        (f"{_NIST}S3BucketReplicationEnabled",),
        _BUCKETS,
        "A second region is the account's decision, and doubles the price; lake and firmware are in daily backups, all buckets are versioned.",
    ),
)


def suppressions() -> Iterator[Suppression]:
    for rules, resources, reason in _KEPT:
        for rule in rules:
            for resource in resources:
                yield Suppression(rule, resource, reason, FIRST)
