"""What every stack of fleetlake is: where it is deployed, how it is tagged, and what it tells of itself."""

import dataclasses

import aws_cdk as cdk
from constructs import Construct

from infra.names import Names
from infra.profile import Profile
from runtime.settings import PREFIX, Settings

_SETTINGS = {field.name for field in dataclasses.fields(Settings)}


class BaseStack(cdk.Stack):
    def __init__(self, scope: Construct, construct_id: str, names: Names, description: str) -> None:
        configuration = names.configuration
        self._zones = configuration.profile.zones
        super().__init__(
            scope,
            construct_id,
            # Several deployments in one account: the construct's id stays the name by which `cdk deploy` is told.
            stack_name=names.of(construct_id),
            description=f"fleetlake {configuration.instance}: {description}",
            env=cdk.Environment(account=configuration.account, region=configuration.region),
            termination_protection=configuration.profile.keeps_data,
        )
        self.names = names
        cdk.Tags.of(self).add("fleetlake:instance", configuration.instance)
        cdk.Tags.of(self).add("fleetlake:profile", configuration.profile.name)

    @property
    def availability_zones(self) -> list[str]:
        """The first ones that the account has in its region, as CloudFormation finds them: the CDK would look them up before."""
        return [cdk.Fn.select(number, cdk.Fn.get_azs()) for number in range(self._zones)]

    @property
    def profile(self) -> Profile:
        return self.names.configuration.profile

    @property
    def settings(self) -> Settings:
        return self.names.settings

    @property
    def removal(self) -> cdk.RemovalPolicy:
        """What becomes of things that hold data when they leave the stack; a creation that is rolled back takes them with it, or the next would find their names taken."""
        return cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if self.profile.keeps_data else cdk.RemovalPolicy.DESTROY

    def tell(self, **settings: str) -> None:
        """Outputs that are settings: the value of an output is that of the variable in its description.

        Raises KeyError for what is no setting.
        """
        for name, value in settings.items():
            if name not in _SETTINGS:
                raise KeyError(name)
            cdk.CfnOutput(self, output_of(name), value=value, description=PREFIX + name.upper())


def output_of(setting: str) -> str:
    """Name of the output that is a setting; CloudFormation takes letters and digits."""
    return "Fleetlake" + "".join(part.capitalize() for part in setting.split("_"))
