"""What the routers work with, made once for each process: the only place that chooses real collaborators."""

from functools import cached_property
from typing import TYPE_CHECKING

from runtime.clock import Clock, SystemClock
from runtime.platforms import Platform
from runtime.settings import Settings
from services.idempotency import Requests
from services.identity import Directory, Permissions, Tokens
from services.paging import Paging
from services.rates import Rates

if TYPE_CHECKING:
    from services.auth.users import Users
    from services.devices.history import Author
    from services.devices.registry import Registry
    from services.shadow.shadows import Shadows
    from services.telemetry.telemetry import Telemetry


class Services:
    """Each is made when it is first asked for, so that a function of one router imports no other's libraries."""

    def __init__(self, platform: Platform, clock: Clock | None = None) -> None:
        self.platform = platform
        self.clock = clock or SystemClock()

    @property
    def settings(self) -> Settings:
        return self.platform.settings

    @cached_property
    def rates(self) -> Rates:
        return Rates.of(self.settings)

    @cached_property
    def requests(self) -> Requests:
        return Requests(self.platform, self.clock)

    @cached_property
    def paging(self) -> Paging:
        from services.auth.secret import signing_key

        return Paging(signing_key(self.platform))

    @cached_property
    def tokens(self) -> Tokens:
        from services.auth.tokens import pool_tokens

        return pool_tokens(self.platform, self.clock)

    @cached_property
    def permissions(self) -> Permissions:
        from services.auth.permissions import GrantedPermissions

        return GrantedPermissions.of(self.platform, self.directory, self.clock)

    @cached_property
    def users(self) -> "Users":
        from services.auth.users import Users

        return Users.of(self.platform, self.clock)

    @cached_property
    def directory(self) -> Directory:
        return self.devices

    @cached_property
    def devices(self) -> "Registry":
        from services.devices.registry import Registry

        return Registry.of(self.platform, self.clock)

    def grants_of_device_gone(self, device_id: str, author: "Author") -> int:
        """How many grants and denials went with a deleted device."""
        from services.auth.audit import Actor

        return self.users.rules.forget_device(device_id, Actor(author.user_id, author.user_name, author.request_id))

    @cached_property
    def shadows(self) -> "Shadows":
        from services.shadow.shadows import Shadows

        return Shadows.of(self.platform)

    @cached_property
    def telemetry(self) -> "Telemetry":
        from services.telemetry.telemetry import Telemetry

        return Telemetry.of(self.platform, self.clock)
