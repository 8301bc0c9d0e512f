"""Why a policy of ours may hold a wildcard in a resource: what it stands for has no name before it is there.

A resource that none of these covers is a finding of cdk-nag that nobody keeps, and the synthesis fails.
"""

import re
from collections.abc import Iterable, Iterator

from infra.permissions import Grant

_BEHIND_ARN = r"arn:[a-z-]+:{service}:[^:]*:[^:]*:{resource}"
# Service, what stands behind the account in the ARN, why.
_REASONS = (
    ("s3", r"[^/]+/(.+/)?\*", "objects under a prefix: their names are digests, run ids, days, and are not known before"),
    ("dynamodb", r"table/[^/]+/index/\*", "the indexes of a table that the same policy names"),
    ("dynamodb", r"table/[^/]+/backup/\*", "AWS Backup names its backups of a table that the same policy names"),
    ("s3", r"fleetlake-[a-z0-9-]+-restored-\*", "the bucket of a restore is named by whoever restores"),
    ("dynamodb", r"table/fleetlake-[a-z0-9-]+-restored-\*", "the table of a restore is named by whoever restores"),
    ("glue", r"table/[^/]+/\*", "the tables of a namespace: one for each contract, which may be added without a deployment"),
    ("timestream", r"database/[^/]+/table/\*", "the tables of the database: one for each contract"),
    ("kms", r"key/\*", "AWS gives a key its id; the condition holds the alias, and the service through which it is used"),
    (
        "logs",
        r"log-group:([^*]+(-\*)?(:log-stream:\*|:\*|\*)?|\*)",
        "streams in a log group are named by what writes them; MWAA, Lambda and SageMaker name their groups",
    ),
    (
        "iot",
        r"(thing|thinggroup|thingtype|cert|cacert|policy|job|rolealias)/\*",
        "devices, their certificates and jobs come and go while it runs",
    ),
    (
        "cognito-(idp|identity)",
        r"(userpool|identitypool)/\*",
        "AWS gives pools their ids; the condition holds the tag of the deployment, or it is an audit, which reads",
    ),
    ("emr-serverless", r"/applications/\*(/jobruns/\*)?", "AWS gives the application and its runs their ids"),
    ("events", r"rule/AwsBackupManagedRule\*", "the rules that AWS Backup makes for its copies of buckets"),
    ("iam", r"(role|policy)/\*", "Device Defender's audit looks at every role and policy for what devices might take; it reads alone"),
    ("sagemaker", r"training-job/fleetlake-\*", "a training job is named by its moment"),
    ("sqs", r"airflow-celery-\*", "MWAA's own queues, in an account of AWS"),
)


def why(resource: str, grants: Iterable[Grant]) -> str:
    """The reason of a resource with a wildcard; empty where there is none. Of a bare * the grants say it."""
    if resource == "*":
        return "; ".join(sorted({grant.why for grant in grants if "*" in grant.resources and grant.why}))
    for service, pattern, reason in _REASONS:
        if re.fullmatch(_BEHIND_ARN.format(service=service, resource=pattern), resource):
            return reason
    return ""


def wildcards(grants: Iterable[Grant]) -> Iterator[tuple[str, str]]:
    """Each resource with a wildcard, once, and why."""
    listed = list(grants)
    for resource in sorted({resource for grant in listed for resource in grant.resources if "*" in resource}):
        if reason := why(resource, listed):
            yield resource, reason
