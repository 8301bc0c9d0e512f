"""The errors of fleetlake.

    FleetlakeError              exit code 1; its text is one sentence for a person
     ├─ UserError               what the user gave or asked for cannot be done
     │   ├─ UsageError          exit code 2: the command line itself is off
     │   ├─ SettingsError       a FLEETLAKE_… variable is wrong
     │   ├─ ContractError       a contract file is wrong (file, field, reason)
     │   └─ QueryError          SQL or its time of knowledge cannot be answered
     ├─ SetupError              the machine lacks something (Java, network at set-up, disk, a free port)
     ├─ ServiceError            a part of the platform is down or answered wrongly
     │   └─ RetryLater          the same call may succeed later
     ├─ JobError                a Spark or training job failed
     │   ├─ GateFailed          the quality gate holds a run back
     │   └─ PublishLost         main moved under a run each time it tried to publish
     └─ LawBroken               a reading is lost, twice visible, or was never sent
         └─ LawUnknown          exit code 3: nothing says what was sent

A message says what was being done to what, what is wrong, and how to mend it:
``contract pump.yaml, field pressure: max 3 is below min 5; swap them``.
"""


class FleetlakeError(Exception):
    exit_code = 1


class UserError(FleetlakeError):
    pass


class UsageError(UserError):
    exit_code = 2


class SettingsError(UserError):
    pass


class ContractError(UserError):
    pass


class ContractWarning(UserWarning):
    """A contract file is wrong, and the others are gone on with."""


class QueryError(UserError):
    pass


class SetupError(FleetlakeError):
    pass


class ServiceError(FleetlakeError):
    pass


class RetryLater(ServiceError):
    pass


class JobError(FleetlakeError):
    pass


class GateFailed(JobError):
    pass


class PublishLost(JobError):
    pass


class LawBroken(FleetlakeError):
    pass


class LawUnknown(LawBroken):
    exit_code = 3
