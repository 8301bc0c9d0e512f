"""AnalyticsStack: what computes over the lake. EMR Serverless for Spark, MWAA for Airflow, SageMaker's role for training."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_emrserverless as emr
from aws_cdk import aws_mwaa as mwaa
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_deployment as deployment
from constructs import Construct

from infra.base_stack import BaseStack
from infra.constructs.data_bucket import DataBucket
from infra.constructs.log_group import LogGroup
from infra.constructs.process_group import ProcessGroup
from infra.constructs.service_role import ServiceRole
from infra.environment import variables
from infra.names import Names
from infra.packages import AIRFLOW_VERSION, EMR_RELEASE, AirflowFiles, airflow_bundle, spark_archive, training_image
from infra.stacks.foundation import FoundationStack
from infra.stacks.iot_poc import IotPocStack
from infra.stacks.lake import LakeStack

_LOG_LEVEL = "INFO"
# https://docs.aws.amazon.com/mwaa/latest/userguide/monitoring-airflow.html
_AIRFLOW_LOGS = ("DAGProcessing", "Scheduler", "Task", "WebServer", "Worker")


class AnalyticsStack(BaseStack):
    def __init__(
        self, scope: Construct, construct_id: str, names: Names, foundation: FoundationStack, lake: LakeStack, iot_poc: IotPocStack
    ) -> None:
        super().__init__(scope, construct_id, names, "Spark, Airflow, training")
        self.add_stack_dependency(lake)
        self._foundation = foundation
        self._artifacts = self._bucket()
        what = "Workers of Spark, Airflow and training, among themselves and out"
        self._group = ProcessGroup(self, "Group", names, foundation.network.vpc, "analytics", what)
        self._group.add_ingress_rule(self._group, ec2.Port.all_traffic(), "among themselves")
        self._group.add_egress_rule(self._group, ec2.Port.all_traffic(), "among themselves")
        # An erasure takes a device out of the time series too.
        iot_poc.time_series.admit("Analytics", self._group)
        application = self._spark()
        told = {
            "emr_application": application.attr_application_id,
            "emr_role": ServiceRole(self, "SparkRole", names, "spark").arn,
            "emr_archive": self.settings.emr_archive,
            "training_image": training_image(self),
            "training_role": ServiceRole(self, "TrainingRole", names, "training").arn,
            "training_subnets": ",".join(self._foundation.network.private_subnets),
            "training_security_group": self._group.security_group_id,
        }
        files = AirflowFiles.of(self, variables(self.names, {**told, **iot_poc.time_series.settings}))
        self.airflow = self._airflow(files)
        # Airflow reads its requirements while it is made.
        self.airflow.node.add_dependency(self._publish(files))
        # Subnets are FoundationStack's, which tells them.
        self.tell(**{name: value for name, value in told.items() if name != "training_subnets"})

    def _bucket(self) -> DataBucket:
        return DataBucket(
            self,
            "Artifacts",
            name=self.names.bucket("artifacts"),
            key=self._foundation.key,
            access_logs=self._foundation.access_logs,
            removal=self.removal,
            lifecycle=[
                s3.LifecycleRule(id="old-versions", noncurrent_version_expiration=cdk.Duration.days(90)),
                s3.LifecycleRule(id="spark-logs", prefix="emr/logs/", expiration=cdk.Duration.days(self.profile.log_days)),
            ],
        )

    def _publish(self, files: AirflowFiles) -> deployment.BucketDeployment:
        """The archives of Spark and the bundle of Airflow, into the bucket that both read.

        What was there before stays, as versions of the bucket. A Spark job that runs meanwhile starts its next executors with the new code:
        deploy between runs.
        """
        return deployment.BucketDeployment(
            self,
            "Publish",
            sources=[
                spark_archive(),
                airflow_bundle(),
                *files.sources,
            ],
            destination_bucket=self._artifacts,
            role=ServiceRole(self, "PublishRole", self.names, "publish").role,
            prune=False,
            memory_limit=2048,
            ephemeral_storage_size=cdk.Size.gibibytes(4),
            vpc=self._foundation.network.vpc,
            vpc_subnets=self._foundation.network.private,
            # A function of the CDK's, under its kind of name.
            log_group=LogGroup(self, "PublishLogs", self.names, self._foundation.key, f"/aws/lambda/{self.names.of('publish')}"),
        )

    def _spark(self) -> emr.CfnApplication:
        return emr.CfnApplication(
            self,
            "Spark",
            name=self.names.of("spark"),
            type="SPARK",
            release_label=EMR_RELEASE,
            architecture="ARM64",
            auto_start_configuration=emr.CfnApplication.AutoStartConfigurationProperty(enabled=True),
            auto_stop_configuration=emr.CfnApplication.AutoStopConfigurationProperty(enabled=True, idle_timeout_minutes=15),
            maximum_capacity=emr.CfnApplication.MaximumAllowedResourcesProperty(
                cpu=f"{self.profile.emr_max_vcpu} vCPU", memory=f"{4 * self.profile.emr_max_vcpu} GB"
            ),
            network_configuration=emr.CfnApplication.NetworkConfigurationProperty(
                subnet_ids=self._foundation.network.private_subnets,
                security_group_ids=[self._group.security_group_id],
            ),
        )

    def _airflow(self, files: AirflowFiles) -> mwaa.CfnEnvironment:
        profile, key = self.profile, self._foundation.key
        least, most = profile.airflow_workers
        log = mwaa.CfnEnvironment.ModuleLoggingConfigurationProperty(enabled=True, log_level=_LOG_LEVEL)
        environment = mwaa.CfnEnvironment(
            self,
            "Airflow",
            name=self.names.of("airflow"),
            airflow_version=AIRFLOW_VERSION,
            environment_class=profile.airflow_class,
            min_workers=least,
            max_workers=most,
            schedulers=2,
            source_bucket_arn=self._artifacts.bucket_arn,
            dag_s3_path="airflow/dags",
            # Without a way to PyPI it would wait for each, and the DAGs need nothing that MWAA does not come with.
            requirements_s3_path=files.requirements if self.names.configuration.has_nat else None,
            startup_script_s3_path=files.startup,
            execution_role_arn=ServiceRole(self, "AirflowRole", self.names, "airflow").arn,
            kms_key=key.key_arn,
            webserver_access_mode="PRIVATE_ONLY" if profile.keeps_data else "PUBLIC_ONLY",
            network_configuration=mwaa.CfnEnvironment.NetworkConfigurationProperty(
                # It takes two subnets, in two zones.
                subnet_ids=self._foundation.network.private_subnets[:2],
                security_group_ids=[self._group.security_group_id],
            ),
            logging_configuration=mwaa.CfnEnvironment.LoggingConfigurationProperty(
                dag_processing_logs=log, scheduler_logs=log, task_logs=log, webserver_logs=log, worker_logs=log
            ),
            airflow_configuration_options={"core.load_examples": "false", "core.dags_are_paused_at_creation": "false"},
        )
        # MWAA takes those that are there, and would make them by itself otherwise.
        for component in _AIRFLOW_LOGS:
            group = LogGroup(self, f"Airflow{component}Logs", self.names, key, f"airflow-{self.names.of('airflow')}-{component}")
            environment.node.add_dependency(group)
        return environment
