"""API Gateway before a function that answers a part of the APIs: TLS, a firewall, access logs, Cognito's authoriser."""

import json

from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_wafv2 as waf
from constructs import Construct

from infra.base_stack import BaseStack
from infra.constructs.firewall import Firewall
from infra.constructs.function import Function
from infra.constructs.log_group import LogGroup
from infra.stacks.foundation import FoundationStack

# The scope of access tokens that come of signing in; with it the authoriser takes access tokens, without it id tokens.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-enable-cognito-user-pool.html
_SCOPE = "aws.cognito.signin.user.admin"
_RATE, _BURST = 200, 400
# What the access log says of a call: who and what, no token and no body.
_LOGGED = {
    "requestId": "$context.requestId",
    "ip": "$context.identity.sourceIp",
    "user": "$context.authorizer.claims.sub",
    "requestTime": "$context.requestTime",
    "httpMethod": "$context.httpMethod",
    "path": "$context.path",
    "status": "$context.status",
    "responseLength": "$context.responseLength",
    "latency": "$context.responseLatency",
    # In quotes already, as a message may hold some.
    "error": "$context.error.messageString",
}
_FORMAT = json.dumps(_LOGGED).replace('"$context.error.messageString"', "$context.error.messageString")


class FunctionApi(Construct):
    """`users` are those whose access tokens the gateway asks for; None where the function asks by itself, as signing in must."""

    def __init__(
        self,
        scope: BaseStack,
        construct_id: str,
        *,
        foundation: FoundationStack,
        function: Function,
        name: str,
        users: cognito.IUserPool | None,
    ) -> None:
        super().__init__(scope, construct_id)
        names = scope.names
        group = LogGroup(self, "AccessLogs", names, foundation.key, names.log_group(f"{name}-access"))
        self.api = apigateway.RestApi(
            self,
            "Api",
            rest_api_name=names.of(name),
            description=f"fleetlake {names.configuration.instance}: {name}",
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            # It is the account's, which FoundationStack gives.
            cloud_watch_role=False,
            deploy_options=apigateway.StageOptions(
                stage_name="v1",
                access_log_destination=apigateway.LogGroupLogDestination(group),
                access_log_format=apigateway.AccessLogFormat.custom(_FORMAT),
                tracing_enabled=True,
                metrics_enabled=True,
                throttling_rate_limit=_RATE,
                throttling_burst_limit=_BURST,
            ),
        )
        authorizer = apigateway.CognitoUserPoolsAuthorizer(self, "Users", cognito_user_pools=[users]) if users else None
        self.api.root.add_resource("{proxy+}").add_method(
            "ANY",
            apigateway.LambdaIntegration(function.function, proxy=True, allow_test_invoke=False),
            authorizer=authorizer,
            authorization_type=apigateway.AuthorizationType.COGNITO if users else apigateway.AuthorizationType.NONE,
            authorization_scopes=[_SCOPE] if users else None,
        )
        firewall = Firewall(self, "Firewall", names=names, name=name, log_key=foundation.key)
        waf.CfnWebACLAssociation(self, "Guarded", resource_arn=self.api.deployment_stage.stage_arn, web_acl_arn=firewall.arn)
