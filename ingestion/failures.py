"""What an error of the queue or of the lake's bucket means for the worker: wait, stop, or look for the message that causes it."""

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ParamValidationError, PartialCredentialsError

from runtime.disk import is_full, says_full
from runtime.errors import RetryLater, ServiceError
from runtime.settings import Settings

_CREDENTIALS = {
    "ExpiredToken", "ExpiredTokenException", "IncompleteSignature", "InvalidAccessKeyId", "InvalidClientTokenId", "InvalidToken",
    "MissingAuthenticationToken", "SignatureDoesNotMatch", "TokenRefreshRequired", "UnrecognizedClientException",
}  # fmt: skip
_PERMISSION = {"AccessDenied", "AccessDeniedException", "AllAccessDisabled", "AuthorizationError", "Forbidden", "KmsAccessDenied", "403"}
# A bucket of another region, a bucket or a key that takes nothing now.
_SET_UP = {
    "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "InvalidBucketState", "KMS.DisabledException",
    "KMS.KMSInvalidStateException", "KMS.NotFoundException", "KmsDisabled", "KmsInvalidState", "KmsNotFound", "KmsOptInRequired",
    "MethodNotAllowed", "NotSignedUp", "OptInRequired", "PermanentRedirect",
}  # fmt: skip
_NO_QUEUE = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}
_NO_BUCKET = {"NoSuchBucket"}
_CLOCK = {"RequestExpired", "RequestTimeTooSkewed"}
_DISK = {"InsufficientStorage", "507"}
# 4xx that say nothing about the request itself: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_TRANSIENT = {
    "BadDigest", "ConditionalRequestConflict", "IncompleteBody", "KmsThrottled", "OverLimit", "RequestThrottled", "RequestTimeout",
    "Throttling", "ThrottlingException", "TooManyRequests", "XAmzContentSHA256Mismatch",
}  # fmt: skip
_PASSING_STATUS = {408, 409, 429}


class CannotGoOn(ServiceError):
    """Trying again is no use before a person has mended something; its text says what."""


# Errors of those kinds that no waiting mends.
_NEVER = (CannotGoOn, NoCredentialsError, PartialCredentialsError, ParamValidationError)


def away(error: BaseException) -> bool:
    """The queue or S3 is away or busy: the same call may succeed later."""
    if isinstance(error, ClientError):
        code, status = _code(error), _status(error)
        return status >= 500 or status in _PASSING_STATUS or code in _TRANSIENT
    return isinstance(error, BotoCoreError | RetryLater | ServiceError) and not isinstance(error, _NEVER)


def cannot_go_on(error: BaseException, settings: Settings) -> CannotGoOn | None:
    """The same error in a person's words, where waiting does not mend it.

    What a service refuses for a reason that is not known here is among them: that never says which message would be to blame, and
    good ones would be dead letters.
    """
    if isinstance(error, CannotGoOn):
        return error
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return CannotGoOn(f"AWS credentials: {error}; give the process a role, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    if says_full(error):
        return CannotGoOn(f"disk: {error}; make room, then start the worker again")
    if isinstance(error, ClientError):
        known = refused(error, settings)
        return known if known or away(error) else CannotGoOn(_unknown(error))
    return None


def gave_up(error: BaseException, settings: Settings, held: int) -> CannotGoOn | None:
    """The same of what was waited for until the patience was over, with `held` messages in hand."""
    if not away(error):
        return None
    return CannotGoOn(
        f"tried for {settings.retry_seconds:g} s (FLEETLAKE_RETRY_SECONDS): {error}; "
        f"{held} messages are held, and come back within {settings.visibility_seconds} s"
    )


def given_up(cause: Exception | None, settings: Settings, held: int) -> ServiceError:
    """Of a worker that could not finish its batch in time, and ends for `cause` or because it was asked to."""
    why = f"{cause}; " if cause else ""
    return ServiceError(
        f"{why}the batch in hand was not written within {settings.drain_seconds:g} s (FLEETLAKE_DRAIN_SECONDS), and is given up: "
        f"{held} messages come back within {settings.visibility_seconds} s"
    )


def refused(error: ClientError, settings: Settings) -> CannotGoOn | None:
    """The same of what is known to be refused whatever the request is about."""
    code, operation = _code(error), error.operation_name
    if code in _CREDENTIALS:
        return CannotGoOn(f"{operation}: AWS refused the credentials ({code}); renew them, or give the process another role")
    if code in _NO_QUEUE:
        return CannotGoOn(
            f"{operation}: there is no such queue in account and region ({settings.telemetry_queue} and {settings.error_queue} in "
            f"{settings.region} are asked for, by FLEETLAKE_TELEMETRY_QUEUE and FLEETLAKE_ERROR_QUEUE); "
            "`fleetlake up` makes them on a laptop, the infrastructure code on AWS"
        )
    if code in _NO_BUCKET:
        return CannotGoOn(f"{operation}: there is no bucket {settings.lake_bucket}; create it, or set FLEETLAKE_LAKE_BUCKET")
    if code in _PERMISSION:
        return CannotGoOn(f"{operation}: not allowed ({code}): {_words(error)}; add the permission to the worker's role")
    if code in _SET_UP:
        return CannotGoOn(f"{operation}: AWS refuses it as things are set up ({code}): {_words(error)}; mend bucket, queue, key or region")
    if code in _CLOCK:
        return CannotGoOn(f"{operation}: the clock of this machine is wrong ({code}): {_words(error)}; set the clock")
    if code in _DISK or (_status(error) >= 500 and _disk_is_full(settings)):
        return CannotGoOn(f"{operation}: the disk under {settings.home} is full ({code}); make room, then start the worker again")
    return None


def _unknown(error: ClientError) -> str:
    told = f"{_status(error)} {_code(error)}: {_words(error)}"
    return f"{error.operation_name}: the service refuses it ({told}); no message is to blame, so nothing goes on before this is mended"


def _disk_is_full(settings: Settings) -> bool:
    """Of a laptop: whatever its cloud cannot do on a full disk comes as an internal error. A put is refused with 507."""
    return settings.platform == "local" and is_full(settings.home)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _words(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Message", ""))


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
