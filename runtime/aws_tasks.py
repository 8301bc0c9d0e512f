"""The Airflow operators of AWS: Spark jobs on EMR Serverless, training on SageMaker."""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from runtime.alarms import task_failed

if TYPE_CHECKING:
    from runtime.aws import AwsPlatform

_PYTHON = "./environment/bin/python"
_SECRETS = ("FLEETLAKE_INFLUX_TOKEN",)
# Of a training job.
_MOST_SECONDS, _TO_START_SECONDS, _LOOK_SECONDS = 3600, 900, 30
# Runs of one DAG, as a backfill makes them, would do each other's work twice.
_USUAL: dict[str, Any] = {"on_failure_callback": task_failed, "max_active_tis_per_dag": 1}


def spark_job_driver(platform: "AwsPlatform", arguments: Sequence[str]) -> dict[str, Any]:
    """`jobDriver` of StartJobRun: the archive's main.py with its packages and Python environment."""
    archive = platform.required("emr_archive").rstrip("/")
    conf = dict(platform.spark_conf()) | {
        "spark.submit.pyFiles": f"{archive}/fleetlake.zip",
        "spark.archives": f"{archive}/environment.tar.gz#environment",
        "spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON": _PYTHON,
        "spark.emr-serverless.driverEnv.PYSPARK_PYTHON": _PYTHON,
        "spark.executorEnv.PYSPARK_PYTHON": _PYTHON,
    }
    conf |= {f"spark.emr-serverless.driverEnv.{name}": value for name, value in _told(platform).items()}
    parameters = " ".join(f"--conf {key}={value}" for key, value in sorted(conf.items()))
    return {
        "sparkSubmit": {"entryPoint": f"{archive}/main.py", "entryPointArguments": list(arguments), "sparkSubmitParameters": parameters}
    }


def _told(platform: "AwsPlatform") -> dict[str, str]:
    """The settings of a job, as variables: those that are not their defaults. Everybody who may look at the job reads them, and so of a secret
    only where it lies; folders are this machine's."""
    settings = platform.settings.changed()
    return {name: value for name, value in settings.items() if name not in _SECRETS or value.startswith("arn:")}


def emr_task(platform: "AwsPlatform", task_id: str, arguments: Sequence[str], operator: dict[str, Any]) -> Any:
    """The operator of one Spark job on EMR Serverless."""
    from runtime.emr_task import EmrJobOperator

    return EmrJobOperator(
        task_id=task_id,
        deployment=platform.lake_bucket,
        region_name=platform.settings.region,
        application_id=platform.required("emr_application"),
        execution_role_arn=platform.required("emr_role"),
        job_driver=spark_job_driver(platform, arguments),
        configuration_overrides={
            "monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": f"{platform.required('emr_archive').rstrip('/')}/logs/"}}
        },
        **_USUAL | operator,
    )


def sagemaker_task(platform: "AwsPlatform", task_id: str, arguments: Sequence[str], operator: dict[str, Any]) -> Any:
    """The provider's deferrable SageMaker training operator: one container runs ``models.train`` with `arguments`."""
    from airflow.providers.amazon.aws.operators.sagemaker import SageMakerTrainingOperator

    # SageMaker takes 63 characters, no underscore. The digest is the step's, the moment the DAG run's, the number that of its try.
    # `run_after`, because a run that new data or a person set off has no logical date, and so no `ts_nodash`.
    moment = "{{ dag_run.run_after.strftime('%Y%m%dt%H%M%S%f') }}"
    name = f"fleetlake-{hashlib.sha256(task_id.encode()).hexdigest()[:8]}-{moment}-{{{{ ti.try_number }}}}"
    config = {
        "TrainingJobName": name,
        "AlgorithmSpecification": {
            "TrainingImage": platform.required("training_image"),
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python", "-m", "models.train"],
            "ContainerArguments": list(arguments),
        },
        "Environment": _told(platform),
        "RoleArn": platform.required("training_role"),
        "OutputDataConfig": {"S3OutputPath": platform.object_uri("training/")},
        "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
        "StoppingCondition": {"MaxRuntimeInSeconds": _MOST_SECONDS},
        **_network(platform),
    }
    # A look each half minute, for as long as the job may run and its machine may take to come.
    return SageMakerTrainingOperator(
        task_id=task_id,
        config=config,
        deferrable=True,
        region_name=platform.settings.region,
        check_interval=_LOOK_SECONDS,
        max_attempts=(_MOST_SECONDS + _TO_START_SECONDS) // _LOOK_SECONDS,
        **_USUAL | operator,
    )


def _network(platform: "AwsPlatform") -> dict[str, Any]:
    """`VpcConfig` of a training job. Raises SettingsError where there are subnets and no security group for them."""
    subnets = [subnet.strip() for subnet in platform.settings.training_subnets.split(",") if subnet.strip()]
    if not subnets:
        return {}
    return {"VpcConfig": {"Subnets": subnets, "SecurityGroupIds": [platform.required("training_security_group")]}}
