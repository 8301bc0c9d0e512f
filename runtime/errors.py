"""The errors of fleetlake.

    FleetlakeError              exit code 1; its text is one sentence for a person
     ├─ UserError               what the user gave or asked for cannot be done
     │   ├─ UsageError          exit code 2: the command line itself is off
     │   ├─ SettingsError       a FLEETLAKE_… variable is wrong
     │   ├─ ContractError       a contract file is wrong (file, field, reason)
     │   └─ QueryError          SQL or its time of knowledge cannot be answered
     │       └─ QueryTooLarge   it needs more than a query may have
     ├─ SetupError              the machine lacks something (Java, network at set-up, disk, a free port)
     ├─ ServiceError            a part of the platform is down or answered wrongly
     │   └─ RetryLater          the same call may succeed later
     ├─ JobError                a Spark or training job failed
     │   ├─ GateFailed          the quality gate holds a run back
     │   ├─ PublishLost         main moved under a run each time it tried to publish
     │   └─ ProofFailed         maintenance would have changed what it must not
     └─ LawBroken               a reading is lost, twice visible, or was never sent
         └─ LawUnknown          exit code 3: nothing says what was sent

A message says what was being done to what, what is wrong, and how to mend it:
``contract pump.yaml, field pressure: max 3 is below min 5; swap them``.
"""

# What a job ends with where its next try would end the same way: Airflow does not try again.
NO_RETRY = 4


class FleetlakeError(Exception):
    exit_code = 1
    retry_helps = True

    @property
    def job_exit_code(self) -> int:
        return self.exit_code if self.retry_helps else NO_RETRY


class UserError(FleetlakeError):
    retry_helps = False


class UsageError(UserError):
    exit_code = 2


class SettingsError(UserError):
    pass


class ContractError(UserError):
    pass


class ContractWarning(UserWarning):
    """A contract file is wrong, and the others are gone on with."""


class QueryError(UserError):
    # What is not known yet because a run is under way is known when it ended.
    retry_helps = True


class QueryTooLarge(QueryError):
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
    # A person decides over a held run.
    retry_helps = False


class PublishLost(JobError):
    pass


class ProofFailed(JobError):
    # The same files give the same proof.
    retry_helps = False


class LawBroken(FleetlakeError):
    pass


class LawUnknown(LawBroken):
    exit_code = 3
