"""Permissions by roles, ownership, grants and denials, as the table has them at this call."""

from dataclasses import dataclass

from runtime.clock import Clock
from runtime.platforms import Platform
from services.auth import grants
from services.auth.access import Access, AccessTable, KnownCaller
from services.auth.grants import Scope, ScopeKind
from services.identity import Caller, Decision, DeviceFacts, Directory, Right, Role, Visible


@dataclass(frozen=True)
class GrantedPermissions:
    """What a token's verification has read in this call counts for the call; for any other caller the table is asked."""

    table: AccessTable
    directory: Directory
    clock: Clock

    @classmethod
    def of(cls, platform: Platform, directory: Directory, clock: Clock) -> "GrantedPermissions":
        return cls(AccessTable.of(platform), directory, clock)

    def decide(self, caller: Caller, right: Right, device: DeviceFacts) -> Decision:
        access = self._access(caller)
        return grants.decide(caller, right, device, access.grants, access.denials, self.clock.now())

    def visible(self, caller: Caller) -> Visible:
        if caller.role is Role.ADMIN:
            return Visible(everything=True)
        access, now = self._access(caller), self.clock.now()
        denied = [denial.scope for denial in access.denials if Right.READ in denial.rights]
        if caller.role is Role.DEVICE:
            seen = {caller.user_name} if self.directory.facts(caller.user_name) else set()
        else:
            live = [grant.scope for grant in access.grants if Right.READ in grant.rights and grant.is_live(now)]
            seen = set(self.directory.owned_by(caller.user_id)).union(*map(self._covered, live))
        return Visible(device_ids=frozenset(seen.difference(*map(self._covered, denied))))

    def _covered(self, scope: Scope) -> frozenset[str]:
        if scope.kind is ScopeKind.DEVICE:
            return frozenset({scope.value})
        return self.directory.in_group(scope.value) if scope.kind is ScopeKind.GROUP else self.directory.with_tag(scope.value)

    def _access(self, caller: Caller) -> Access:
        return caller.access if isinstance(caller, KnownCaller) else self.table.read(caller.user_id)
