"""A web application firewall: AWS's managed rules and a limit of calls from one address."""

from aws_cdk import aws_kms as kms
from aws_cdk import aws_wafv2 as waf
from constructs import Construct

from infra.constructs.log_group import LogGroup
from infra.names import Names

# In five minutes, from one address: a hundred a second is what one user may ask of the APIs.
_MOST_CALLS = 30_000
# The common rules without the one on bodies above 8 KB: a batch or an import is larger, and the APIs have limits of their own.
_MANAGED: dict[str, tuple[str, ...]] = {
    "AWSManagedRulesCommonRuleSet": ("SizeRestrictions_BODY",),
    "AWSManagedRulesKnownBadInputsRuleSet": (),
    "AWSManagedRulesAmazonIpReputationList": (),
}


class Firewall(Construct):
    def __init__(self, scope: Construct, construct_id: str, *, names: Names, name: str, log_key: kms.IKey) -> None:
        super().__init__(scope, construct_id)
        acl = waf.CfnWebACL(
            self,
            "Acl",
            name=names.of(name),
            scope="REGIONAL",
            default_action=waf.CfnWebACL.DefaultActionProperty(allow={}),
            visibility_config=_seen(name),
            rules=[*(_managed(number, group, left) for number, (group, left) in enumerate(_MANAGED.items())), _limit(len(_MANAGED))],
        )
        self.arn = acl.attr_arn
        # WAF takes only groups of this prefix.
        group = LogGroup(self, "Logs", names, log_key, f"aws-waf-logs-{names.of(name)}")
        waf.CfnLoggingConfiguration(
            self,
            "Logging",
            resource_arn=acl.attr_arn,
            log_destination_configs=[group.log_group_arn],
            redacted_fields=[waf.CfnLoggingConfiguration.FieldToMatchProperty(single_header={"Name": "authorization"})],
        )


def _seen(name: str) -> waf.CfnWebACL.VisibilityConfigProperty:
    return waf.CfnWebACL.VisibilityConfigProperty(cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=True)


def _managed(priority: int, group: str, left_out: tuple[str, ...]) -> waf.CfnWebACL.RuleProperty:
    counted = [
        waf.CfnWebACL.RuleActionOverrideProperty(name=rule, action_to_use=waf.CfnWebACL.RuleActionProperty(count={})) for rule in left_out
    ]
    statement = waf.CfnWebACL.ManagedRuleGroupStatementProperty(vendor_name="AWS", name=group, rule_action_overrides=counted or None)
    return waf.CfnWebACL.RuleProperty(
        name=group,
        priority=priority,
        override_action=waf.CfnWebACL.OverrideActionProperty(none={}),
        statement=waf.CfnWebACL.StatementProperty(managed_rule_group_statement=statement),
        visibility_config=_seen(group),
    )


def _limit(priority: int) -> waf.CfnWebACL.RuleProperty:
    rate = waf.CfnWebACL.RateBasedStatementProperty(limit=_MOST_CALLS, aggregate_key_type="IP", evaluation_window_sec=300)
    return waf.CfnWebACL.RuleProperty(
        name="CallsOfOneAddress",
        priority=priority,
        action=waf.CfnWebACL.RuleActionProperty(block={}),
        statement=waf.CfnWebACL.StatementProperty(rate_based_statement=rate),
        visibility_config=_seen("CallsOfOneAddress"),
    )
