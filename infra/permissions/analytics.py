"""Roles of what computes over the lake: Spark, training, Airflow, and what puts their code where they find it."""

from collections.abc import Mapping

from infra.permissions.grant import Grant, RolePermissions
from infra.permissions.resources import METRICS, Resources, no_resource, prefixed
from lake.layout import bronze_root, missed_prefix, model_prefix, quarantine_root, replayed_root
from runtime.metrics import NAMESPACE

# Where the archives of Spark and the bundle of Airflow lie in the bucket of artifacts.
SPARK_PREFIX, SPARK_LOGS, AIRFLOW_PREFIX = "emr/", "emr/logs/", "airflow/"
_MODELS = model_prefix("", "").partition("/")[0] + "/"
_TRAINING = "training/"
_TRAINING_LOGS = "/aws/sagemaker/TrainingJobs"

_TRAINING_NETWORK = Grant(
    prefixed(
        "CreateNetworkInterface CreateNetworkInterfacePermission DeleteNetworkInterface DeleteNetworkInterfacePermission"
        " DescribeDhcpOptions DescribeNetworkInterfaces DescribeSecurityGroups DescribeSubnets DescribeVpcs",
        "ec2",
    ),
    ("*",),
    why="https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html: of a job with a VpcConfig, on any interface",
)


def roles(of: Resources) -> Mapping[str, RolePermissions]:
    return {"spark": _spark(of), "training": _training(of), "airflow": _airflow(of), "publish": _publish(of)}


def _tables_of_the_lake(of: Resources) -> tuple[Grant, ...]:
    """Iceberg's tables, read and written: commits in Glue, files in S3. The databases are made by their stack."""
    return (
        of.catalog("GetDatabase GetTable CreateTable UpdateTable"),
        Grant(prefixed("GetObject PutObject", "s3"), of.objects("lake", of.warehouse)),
        Grant(("s3:ListBucket",), (of.names.bucket_arn("lake"),)),
        of.key("s3", "Decrypt", "GenerateDataKey"),
    )


def _spark(of: Resources) -> RolePermissions:
    settings = of.names.settings
    queues = (settings.telemetry_queue, settings.error_queue, settings.dead_letter_queue)
    return RolePermissions(
        "Spark jobs on EMR Serverless",
        ("emr-serverless.amazonaws.com",),
        (
            *_tables_of_the_lake(of),
            Grant(prefixed("DeleteObject AbortMultipartUpload", "s3"), of.objects("lake", of.warehouse)),
            Grant(("s3:GetObject",), of.objects("lake", bronze_root(), quarantine_root(), replayed_root(), _MODELS)),
            # An erasure writes objects without the device, and removes those that held it, with the notes of what the time series missed.
            Grant(
                prefixed("PutObject DeleteObject", "s3"),
                of.objects("lake", bronze_root(), quarantine_root(), replayed_root(), missed_prefix(), _MODELS),
            ),
            # And from the queues the messages of the device.
            Grant(
                prefixed("GetQueueUrl GetQueueAttributes ReceiveMessage DeleteMessage ChangeMessageVisibility", "sqs"),
                tuple(of.names.queue_arn(queue) for queue in queues),
            ),
            of.key("sqs", "Decrypt"),
            # Who watches the fleet asks silver who was heard of.
            *of.queries(),
            # And its points from the time series; LiveAnalytics deletes none.
            *of.influx_token(),
            Grant(("s3:GetObject",), of.objects("artifacts", SPARK_PREFIX)),
            Grant(("s3:PutObject",), of.objects("artifacts", SPARK_LOGS)),
            Grant(("s3:ListBucket",), (of.names.bucket_arn("artifacts"),)),
            Grant(("sns:Publish",), (of.names.topic_arn,)),
            of.key("sns", "Decrypt", "GenerateDataKey"),
            Grant(("cloudwatch:PutMetricData",), ("*",), {"StringEquals": {"cloudwatch:namespace": NAMESPACE}}, why=METRICS),
            # How long the oldest message has waited says whether it is the pipeline that is silent.
            Grant(("cloudwatch:GetMetricData",), ("*",), why=METRICS),
        ),
    )


def _training(of: Resources) -> RolePermissions:
    logs = of.names.arn("logs", f"log-group:{_TRAINING_LOGS}")
    return RolePermissions(
        "Training on SageMaker",
        ("sagemaker.amazonaws.com",),
        (
            *_tables_of_the_lake(of),
            Grant(prefixed("GetObject PutObject", "s3"), of.objects("lake", _MODELS)),
            Grant(("s3:PutObject",), of.objects("lake", _TRAINING)),
            # Failures and predictions are asked for in SQL.
            *of.queries(),
            *of.images(),
            Grant(prefixed("CreateLogGroup CreateLogStream PutLogEvents DescribeLogStreams", "logs"), (f"{logs}:*",)),
            Grant(
                ("cloudwatch:PutMetricData",),
                ("*",),
                {"StringEquals": {"cloudwatch:namespace": _TRAINING_LOGS}},
                why=METRICS,
            ),
            _TRAINING_NETWORK,
        ),
    )


def _airflow(of: Resources) -> RolePermissions:
    return RolePermissions(
        "Airflow: starts jobs, looks at them, raises alarms",
        ("airflow.amazonaws.com", "airflow-env.amazonaws.com"),
        (*_jobs(of), *_environment(of)),
    )


def _jobs(of: Resources) -> tuple[Grant, ...]:
    """What the operators of our DAGs call."""
    names = of.names
    # The application's id, and those of its jobs, are known to AWS only.
    applications, jobs = names.arn("emr-serverless", "/applications/*"), names.arn("emr-serverless", "/applications/*/jobruns/*")
    training = names.arn("sagemaker", "training-job/fleetlake-*")
    logs = names.arn("logs", f"log-group:{_TRAINING_LOGS}")
    return (
        Grant(prefixed("GetApplication StartApplication StartJobRun ListJobRuns", "emr-serverless"), (applications,)),
        Grant(prefixed("GetJobRun CancelJobRun", "emr-serverless"), (jobs,)),
        Grant(prefixed("CreateTrainingJob DescribeTrainingJob", "sagemaker"), (training,)),
        _passing(of, "spark", "emr-serverless.amazonaws.com"),
        _passing(of, "training", "sagemaker.amazonaws.com"),
        Grant(("logs:DescribeLogStreams",), (f"{logs}:*",)),
        Grant(("logs:GetLogEvents",), (f"{logs}:log-stream:*",)),
        Grant(("s3:GetObject",), of.objects("artifacts", SPARK_LOGS)),
        Grant(("sns:Publish",), (names.topic_arn,)),
        of.key("sns", "Decrypt", "GenerateDataKey"),
    )


def _passing(of: Resources, role: str, service: str) -> Grant:
    return Grant(("iam:PassRole",), (of.names.role_arn(role),), {"StringEquals": {"iam:PassedToService": service}})


def _environment(of: Resources) -> tuple[Grant, ...]:
    """What MWAA itself does with the role.

    https://docs.aws.amazon.com/mwaa/latest/userguide/mwaa-create-role.html
    """
    names = of.names
    environment, bucket = names.of("airflow"), names.bucket_arn("artifacts")
    # Celery's queue is in an account of MWAA's own.
    celery = f"arn:{names.partition}:sqs:{names.configuration.region}:*:airflow-celery-*"
    return (
        Grant(("airflow:PublishMetrics",), (names.arn("airflow", f"environment/{environment}"),)),
        Grant(
            prefixed(
                "GetBucketLocation GetBucketPublicAccessBlock GetBucketVersioning GetEncryptionConfiguration ListBucket ListBucketVersions",
                "s3",
            ),
            (bucket,),
        ),
        Grant(prefixed("GetObject GetObjectVersion", "s3"), of.objects("artifacts", AIRFLOW_PREFIX)),
        Grant(("s3:GetAccountPublicAccessBlock",), ("*",), why=no_resource("amazons3")),
        Grant(
            prefixed("CreateLogGroup CreateLogStream PutLogEvents GetLogEvents GetLogGroupFields GetLogRecord GetQueryResults", "logs"),
            (names.arn("logs", f"log-group:airflow-{environment}-*"),),
        ),
        Grant(("logs:DescribeLogGroups",), ("*",), why=no_resource("amazoncloudwatchlogs")),
        Grant(("cloudwatch:PutMetricData",), ("*",), why=METRICS),
        Grant(
            prefixed("ChangeMessageVisibility DeleteMessage GetQueueAttributes GetQueueUrl ReceiveMessage SendMessage", "sqs"), (celery,)
        ),
        of.key("sqs s3", "Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey"),
    )


def _publish(of: Resources) -> RolePermissions:
    """What was there stays, so that it deletes nothing."""
    names = of.names
    assets = f"arn:{names.partition}:s3:::{of.assets('assets')}"
    return RolePermissions(
        "The function that copies archives to where Spark and Airflow find them, when they are deployed",
        ("lambda.amazonaws.com",),
        (
            Grant(("s3:GetObject",), (f"{assets}/*",)),
            Grant(("s3:ListBucket",), (assets, names.bucket_arn("artifacts"))),
            Grant(prefixed("GetObject PutObject AbortMultipartUpload", "s3"), of.objects("artifacts", SPARK_PREFIX, AIRFLOW_PREFIX)),
            of.key("s3", "Decrypt", "GenerateDataKey"),
            # The CDK names the function by itself.
            *of.function("publish")[2:],
            Grant(
                prefixed("CreateLogStream PutLogEvents", "logs"),
                (names.arn("logs", f"log-group:/aws/lambda/{names.of('')}-*:log-stream:*"),),
            ),
        ),
    )
