"""Daily backups: a plan of each stack for what it holds, into the one vault of the deployment."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_backup as backup
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.names import Names


def backed_up(scope: Construct, names: Names, resources: Sequence[backup.BackupResource]) -> None:
    """A plan of the stack's own, so that it stands and falls with what it saves."""
    profile = names.configuration.profile
    stack = cdk.Stack.of(scope)
    # Its name is that of the stack, in the deployment's vault.
    vault = backup.BackupVault.from_backup_vault_name(scope, "BackupVault", names.of("backups"))
    plan = backup.BackupPlan(scope, "BackupPlan", backup_plan_name=names.of(stack.node.id), backup_vault=vault)
    plan.add_rule(
        backup.BackupPlanRule(
            rule_name="daily",
            schedule_expression=events.Schedule.cron(hour="3", minute="0"),
            start_window=cdk.Duration.hours(1),
            completion_window=cdk.Duration.hours(8),
            delete_after=cdk.Duration.days(profile.backup_days),
        )
    )
    role = iam.Role.from_role_arn(scope, "BackupRole", names.role_arn("backup"), mutable=False)
    backup.BackupSelection(scope, "BackupSelection", backup_plan=plan, resources=list(resources), role=role)
