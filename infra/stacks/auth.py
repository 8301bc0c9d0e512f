"""AuthStack: users and what they may do. The user pool, the identity pool, the tables of grants, the function of the auth APIs."""

import re
from typing import Any

from aws_cdk import aws_cognito as cognito
from constructs import Construct

from fleet import user_pool
from fleet.tables import AUDIT, GRANTS, REQUESTS
from infra.base_stack import BaseStack
from infra.constructs.api_tables import ApiTables
from infra.constructs.backups import backed_up
from infra.constructs.function import Function
from infra.constructs.function_api import FunctionApi
from infra.constructs.service_role import ServiceRole
from infra.names import Names
from infra.packages import API
from infra.stacks.foundation import FoundationStack

_SNAKE = re.compile(r"(?<=[a-z])(?=[A-Z])")


class AuthStack(BaseStack):
    def __init__(self, scope: Construct, construct_id: str, names: Names, foundation: FoundationStack) -> None:
        super().__init__(scope, construct_id, names, "users, grants, sign-in")
        tables = ApiTables(self, "Tables", names, foundation.key, (GRANTS, AUDIT, REQUESTS), self.removal)
        backed_up(self, names, tables.backup_resources)
        self.user_pool = self._user_pool()
        client = cognito.CfnUserPoolClient(
            self,
            "Client",
            client_name=user_pool.client_name(self.settings),
            user_pool_id=self.user_pool.ref,
            **_arguments(user_pool.APP_CLIENT),
        )
        for precedence, (name, what) in enumerate(user_pool.GROUPS.items()):
            cognito.CfnUserPoolGroup(
                self, name.capitalize(), user_pool_id=self.user_pool.ref, group_name=name, description=what, precedence=precedence
            )
        identity_pool = self._identity_pool(client)
        # What every process that checks a token must know.
        self.users = {"user_pool": self.user_pool.ref, "user_pool_client": client.ref, "identity_pool": identity_pool.ref}
        self.pool: cognito.IUserPool = cognito.UserPool.from_user_pool_id(self, "KnownPool", self.user_pool.ref)
        self._api(foundation)
        self.tell(table_prefix=self.settings.table_prefix, **self.users)

    def _user_pool(self) -> cognito.CfnUserPool:
        pool = cognito.CfnUserPool(
            self,
            "UserPool",
            user_pool_name=user_pool.user_pool_name(self.settings),
            mfa_configuration=user_pool.MFA["MfaConfiguration"],
            enabled_mfas=["SOFTWARE_TOKEN_MFA"],
            # Threat protection: what stops guessing passwords, and sign-ins with leaked ones.
            user_pool_tier="PLUS",
            user_pool_add_ons=cognito.CfnUserPool.UserPoolAddOnsProperty(advanced_security_mode="ENFORCED"),
            deletion_protection="ACTIVE" if self.profile.keeps_data else "INACTIVE",
            **_arguments(user_pool.USER_POOL),
        )
        pool.apply_removal_policy(self.removal)
        return pool

    def _identity_pool(self, client: cognito.CfnUserPoolClient) -> cognito.CfnIdentityPool:
        pool = cognito.CfnIdentityPool(
            self,
            "IdentityPool",
            identity_pool_name=user_pool.identity_pool_name(self.settings),
            allow_unauthenticated_identities=False,
            cognito_identity_providers=[
                cognito.CfnIdentityPool.CognitoIdentityProviderProperty(
                    client_id=client.ref, provider_name=self.user_pool.attr_provider_name, server_side_token_check=True
                )
            ],
        )
        role = ServiceRole(self, "UserRole", self.names, "user", identity_pool=pool.ref)
        cognito.CfnIdentityPoolRoleAttachment(self, "Roles", identity_pool_id=pool.ref, roles={"authenticated": role.arn})
        return pool

    def _api(self, foundation: FoundationStack) -> None:
        function = Function(
            self,
            "Api",
            foundation=foundation,
            name="auth-api",
            package=API,
            handler="services.lambda_handler.handler",
            what="Signing in, users, permissions",
            settings={**self.users, "api_parts": "auth"},
            timeout_seconds=29,
            memory=1024,
            concurrency=50,
        )
        FunctionApi(self, "Gateway", foundation=foundation, function=function, name="auth", users=None)


def _arguments(properties: dict[str, Any]) -> dict[str, Any]:
    """Properties as CloudFormation spells them, as arguments of a construct: snake_case alone is for the outermost names.

    Within them a small first letter is asked for; what is spelled otherwise leaves no trace in the template.
    """
    return {_SNAKE.sub("_", name).lower(): _camel(value) for name, value in properties.items()}


def _camel(value: Any) -> Any:
    if isinstance(value, dict):
        return {name[0].lower() + name[1:]: _camel(each) for name, each in value.items()}
    return [_camel(each) for each in value] if isinstance(value, list) else value
