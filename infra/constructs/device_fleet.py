"""What AWS IoT holds for all devices: their policy, a type and a group, provisioning by claim, logging, Device Defender."""

import json
import re

from aws_cdk import aws_iot as iot
from aws_cdk import aws_kms as kms
from constructs import Construct

from fleet.things import device_policy
from infra.constructs.log_group import LogGroup
from infra.constructs.service_role import ServiceRole
from infra.names import Names
from infra.permissions.aws_services import IOT_LOGS

# Device Defender's checks of devices that are connected, and what of the account it audits.
# https://docs.aws.amazon.com/iot-device-defender/latest/devguide/device-defender-audit-checks.html
_AUDIT_CHECKS = (
    "authenticatedCognitoRoleOverlyPermissiveCheck",
    "caCertificateExpiringCheck",
    "caCertificateKeyQualityCheck",
    "conflictingClientIdsCheck",
    "deviceCertificateExpiringCheck",
    "deviceCertificateKeyQualityCheck",
    "deviceCertificateSharedCheck",
    "iotPolicyOverlyPermissiveCheck",
    "iotRoleAliasAllowsAccessToUnusedServicesCheck",
    "iotRoleAliasOverlyPermissiveCheck",
    "loggingDisabledCheck",
    "revokedCaCertificateStillActiveCheck",
    "revokedDeviceCertificateStillActiveCheck",
    "unauthenticatedCognitoRoleOverlyPermissiveCheck",
)
# Before each capital.
_SNAKE = re.compile(r"(?=[A-Z])")
# A device sends packs of up to 250 readings: more connections or refusals than these in five minutes are a fault or an attack.
_FIVE_MINUTES = 300
_MOST_CONNECTIONS, _MOST_REFUSALS, _LARGEST_MESSAGE = 30, 10, 128 * 1024


class DeviceFleet(Construct):
    def __init__(self, scope: Construct, construct_id: str, names: Names, key: kms.IKey) -> None:
        super().__init__(scope, construct_id)
        self._names = names
        iot.CfnPolicy(self, "Policy", policy_name=names.settings.device_policy, policy_document=device_policy(names.settings))
        iot.CfnThingType(self, "Type", thing_type_name=names.of("device"))
        group = iot.CfnThingGroup(self, "Group", thing_group_name=names.of("devices"))
        self._provisioning()
        self._logging(key)
        self._defender(group)

    def _provisioning(self) -> None:
        """A device with a claim certificate gets its own: thing, certificate and policy at once, once for each serial number.

        https://docs.aws.amazon.com/iot/latest/developerguide/provision-template.html
        """
        template = {
            "Parameters": {"SerialNumber": {"Type": "String"}, "AWS::IoT::Certificate::Id": {"Type": "String"}},
            "Resources": {
                "thing": {
                    "Type": "AWS::IoT::Thing",
                    "Properties": {
                        "ThingName": {"Ref": "SerialNumber"},
                        "ThingTypeName": self._names.of("device"),
                        "ThingGroups": [self._names.of("devices")],
                    },
                    # Whoever knows the number of a device that is there gets no certificate of it: the request fails.
                    "OverrideSettings": {"AttributePayload": "FAIL", "ThingTypeName": "FAIL", "ThingGroups": "FAIL"},
                },
                "certificate": {
                    "Type": "AWS::IoT::Certificate",
                    "Properties": {"CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}, "Status": "Active"},
                },
                "policy": {"Type": "AWS::IoT::Policy", "Properties": {"PolicyName": self._names.settings.device_policy}},
            },
        }
        iot.CfnProvisioningTemplate(
            self,
            "Provisioning",
            template_name=self._names.of("devices"),
            description="A device's own certificate for one of the claim",
            enabled=True,
            provisioning_role_arn=ServiceRole(self, "ProvisioningRole", self._names, "provisioning").arn,
            template_body=json.dumps(template, sort_keys=True),
        )

    def _logging(self, key: kms.IKey) -> None:
        # AWS IoT would make it by itself, to be kept for ever.
        group = LogGroup(self, "Logs", self._names, key, IOT_LOGS)
        logging = iot.CfnLogging(
            self,
            "Logging",
            account_id=self._names.configuration.account,
            default_log_level="WARN",
            role_arn=ServiceRole(self, "LoggingRole", self._names, "device-logging").arn,
        )
        logging.node.add_dependency(group)

    def _defender(self, group: iot.CfnThingGroup) -> None:
        checks = {
            _SNAKE.sub("_", check).lower(): iot.CfnAccountAuditConfiguration.AuditCheckConfigurationProperty(enabled=True)
            for check in _AUDIT_CHECKS
        }
        role = ServiceRole(self, "DefenderRole", self._names, "device-defender")
        target = iot.CfnAccountAuditConfiguration.AuditNotificationTargetProperty(
            enabled=True, role_arn=role.arn, target_arn=self._names.topic_arn
        )
        audit = iot.CfnAccountAuditConfiguration(
            self,
            "Audit",
            account_id=self._names.configuration.account,
            role_arn=role.arn,
            audit_check_configurations=iot.CfnAccountAuditConfiguration.AuditCheckConfigurationsProperty(**checks),
            audit_notification_target_configurations=iot.CfnAccountAuditConfiguration.AuditNotificationTargetConfigurationsProperty(
                sns=target
            ),
        )
        daily = iot.CfnScheduledAudit(
            self,
            "DailyAudit",
            scheduled_audit_name=self._names.of("daily"),
            frequency="DAILY",
            target_check_names=[_SNAKE.sub("_", check).upper() for check in _AUDIT_CHECKS],
        )
        daily.add_resource_dependency(audit)
        iot.CfnSecurityProfile(
            self,
            "Detect",
            security_profile_name=self._names.of("devices"),
            security_profile_description="What no healthy device does",
            alert_targets={"SNS": iot.CfnSecurityProfile.AlertTargetProperty(alert_target_arn=self._names.topic_arn, role_arn=role.arn)},
            behaviors=[
                _behavior("connects-too-often", "aws:num-connection-attempts", _MOST_CONNECTIONS),
                _behavior("is-refused-too-often", "aws:num-authorization-failures", _MOST_REFUSALS),
                _behavior("sends-too-large", "aws:message-byte-size", _LARGEST_MESSAGE, window=None),
            ],
            target_arns=[group.attr_arn],
        )


def _behavior(name: str, metric: str, most: int, window: int | None = _FIVE_MINUTES) -> iot.CfnSecurityProfile.BehaviorProperty:
    return iot.CfnSecurityProfile.BehaviorProperty(
        name=name,
        metric=metric,
        criteria=iot.CfnSecurityProfile.BehaviorCriteriaProperty(
            comparison_operator="less-than-equals",
            value=iot.CfnSecurityProfile.MetricValueProperty(count=str(most)),
            duration_seconds=window,
            consecutive_datapoints_to_alarm=1,
            consecutive_datapoints_to_clear=1,
        ),
    )
