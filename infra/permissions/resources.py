"""The resources of a deployment as grants name them, and the grants that many roles share."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

from fleet.tables import Table
from infra.names import Names
from infra.permissions.grant import Grant
from lake.contracts import load_contracts
from lake.tables import iceberg_tables
from runtime.aws import AwsPlatform
from runtime.settings import REPOSITORY

_REFERENCE = "https://docs.aws.amazon.com/service-authorization/latest/reference/list_"


def no_resource(page: str) -> str:
    """Why a resource is ``*``: the Service Authorization Reference lists none for these actions on that page."""
    return f"{_REFERENCE}{page}.html: no resource type"


def prefixed(actions: str, service: str) -> tuple[str, ...]:
    """Words as actions of one service."""
    return tuple(f"{service}:{action}" for action in actions.split())


@dataclass(frozen=True)
class Resources:
    names: Names

    # ---- S3

    def objects(self, bucket: str, *prefixes: str) -> tuple[str, ...]:
        """Objects of a bucket whose keys begin with one of `prefixes`."""
        return tuple(f"{self.names.bucket_arn(bucket)}/{prefix}*" for prefix in prefixes)

    @cached_property
    def warehouse(self) -> str:
        """Prefix of the Iceberg tables in the lake's bucket."""
        return urlsplit(AwsPlatform(self.names.settings).warehouse_uri()).path.strip("/") + "/"

    def assets(self, kind: str) -> str:
        """Name of what `cdk bootstrap` made for files (``assets``) or images (``container-assets``), with its usual qualifier.

        https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html
        """
        return f"cdk-hnb659fds-{kind}-{self.names.configuration.account}-{self.names.configuration.region}"

    # ---- the key

    def key(self, services: str, *actions: str) -> Grant:
        """Use of the deployment's key, by services of AWS on the role's behalf alone. The ARN of a key is known to AWS only, its alias to us."""
        configuration = self.names.configuration
        suffix = "amazonaws.com.cn" if self.names.partition == "aws-cn" else "amazonaws.com"
        return Grant(
            prefixed(" ".join(actions), "kms"),
            (self.names.arn("kms", "key/*"),),
            {
                "StringEquals": {"kms:ViaService": [f"{service}.{configuration.region}.{suffix}" for service in services.split()]},
                "ForAnyValue:StringEquals": {"kms:ResourceAliases": [f"alias/{self.names.of('data')}"]},
            },
        )

    # ---- DynamoDB

    def tables(self, tables: Iterable[Table], actions: str, *, indexes: bool = False) -> Grant:
        arns = [self.names.table_arn(table) for table in tables]
        return Grant(prefixed(actions, "dynamodb"), (*arns, *(f"{arn}/index/*" for arn in arns if indexes)))

    # ---- AWS IoT

    def iot(self, *resources: str) -> tuple[str, ...]:
        return tuple(self.names.arn("iot", resource) for resource in resources)

    # ---- Glue and Athena

    def catalog(self, actions: str) -> Grant:
        """Glue asks for the catalog and the database of a table too.

        https://docs.aws.amazon.com/glue/latest/dg/glue-specifying-resource-arns.html
        """
        contracts = load_contracts(REPOSITORY / "contracts").values()
        namespaces = sorted({table.namespace for table in iceberg_tables(contracts)})
        named = [f"{kind}/{namespace}{rest}" for namespace in namespaces for kind, rest in (("database", ""), ("table", "/*"))]
        return Grant(prefixed(actions, "glue"), tuple(self.names.arn("glue", resource) for resource in ("catalog", *named)))

    def queries(self) -> tuple[Grant, ...]:
        """Athena's queries over the lake: it reads tables and writes answers with the rights of who asks.

        https://docs.aws.amazon.com/athena/latest/ug/s3-permissions.html
        """
        answers, lake = self.names.bucket_arn("answers"), self.names.bucket_arn("lake")
        workgroup = self.names.arn("athena", f"workgroup/{self.names.settings.athena_workgroup}")
        return (
            Grant(
                prefixed("GetWorkGroup StartQueryExecution GetQueryExecution GetQueryResults StopQueryExecution", "athena"), (workgroup,)
            ),
            Grant(prefixed("GetBucketLocation ListBucket ListBucketMultipartUploads", "s3"), (answers, lake)),
            Grant(prefixed("GetObject PutObject AbortMultipartUpload ListMultipartUploadParts", "s3"), (f"{answers}/*",)),
            Grant(("s3:GetObject",), self.objects("lake", self.warehouse)),
            self.catalog("GetDatabase GetTable GetTables GetPartitions"),
        )

    # ---- the time series

    def time_series(self, *, writes: bool = False) -> tuple[Grant, ...]:
        """InfluxDB's token, or the tables of Timestream for LiveAnalytics, whichever the deployment has."""
        if token := self.influx_token():
            return token
        names = self.names
        tables = names.arn("timestream", f"database/{names.settings.timestream_database}/table/*")
        actions = ("DescribeTable", "Select", *(("CreateTable", "UpdateTable", "WriteRecords") if writes else ()))
        return (
            Grant(prefixed(" ".join(actions), "timestream"), (tables,)),
            Grant(("timestream:DescribeEndpoints",), ("*",), why=no_resource("amazontimestream")),
        )

    def influx_token(self) -> tuple[Grant, ...]:
        """For a deployment that has an InfluxDB; else nothing."""
        if self.names.configuration.time_series != "influxdb":
            return ()
        # Secrets Manager puts six characters of its own behind a name.
        secret = self.names.arn("secretsmanager", f"secret:{self.names.of('influx-token')}-??????")
        return Grant(("secretsmanager:GetSecretValue",), (secret,)), self.key("secretsmanager", "Decrypt")

    # ---- what Lambda asks of each function's role

    def function(self, name: str) -> tuple[Grant, ...]:
        """Its own log group, its traces, its place in the network."""
        return self.logs(self.names.log_group(name)), _TRACES, _NETWORK

    def logs(self, group: str) -> Grant:
        return Grant(prefixed("CreateLogStream PutLogEvents", "logs"), (self.names.arn("logs", f"log-group:{group}:*"),))

    def queue_of_function(self, *queues: str) -> tuple[Grant, ...]:
        """Lambda takes from the queue with the role of the function that it calls."""
        arns = tuple(self.names.queue_arn(queue) for queue in queues)
        return Grant(prefixed("ReceiveMessage DeleteMessage GetQueueAttributes", "sqs"), arns), self.key("sqs", "Decrypt")

    def images(self) -> tuple[Grant, ...]:
        """Pulling an image that the CDK has put into ECR."""
        repository = self.names.arn("ecr", f"repository/{self.assets('container-assets')}")
        return (
            Grant(prefixed("BatchCheckLayerAvailability BatchGetImage GetDownloadUrlForLayer", "ecr"), (repository,)),
            Grant(("ecr:GetAuthorizationToken",), ("*",), why=no_resource("amazonelasticcontainerregistry")),
        )


# CloudWatch's metrics are of no resource; the data sets of its other telemetry, which IAM lists beside them, are not meant.
METRICS = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/iam-identity-based-access-control-cw.html: metrics have no ARN"
NETWORK = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions"
_NETWORK = Grant(
    prefixed(
        "CreateNetworkInterface DescribeNetworkInterfaces DescribeSubnets DeleteNetworkInterface AssignPrivateIpAddresses"
        " UnassignPrivateIpAddresses",
        "ec2",
    ),
    ("*",),
    why=f"{NETWORK}: Lambda asks whether the role may do this to any interface when a function is put into a network",
)
_TRACES = Grant(prefixed("PutTraceSegments PutTelemetryRecords", "xray"), ("*",), why=no_resource("awsx-ray"))
