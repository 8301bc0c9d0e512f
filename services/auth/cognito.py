"""Cognito's errors as the caller is told them: by their own names, with AWS's status, which is 400."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import ClientError

from services.problems import ApiError, Invalid, NotFound

# What a caller can do something about. Others, such as that our pool is not there, are a 503 of ours.
_TOLD = frozenset(
    {
        "AliasExistsException",
        "CodeDeliveryFailureException",
        "CodeMismatchException",
        "EnableSoftwareTokenMFAException",
        "ExpiredCodeException",
        "InvalidParameterException",
        "InvalidPasswordException",
        "LimitExceededException",
        "NotAuthorizedException",
        "PasswordHistoryPolicyViolationException",
        "PasswordResetRequiredException",
        "SoftwareTokenMFANotFoundException",
        "TooManyFailedAttemptsException",
        "TooManyRequestsException",
        "UserLambdaValidationException",
        "UserNotConfirmedException",
        "UsernameExistsException",
    }
)


def of_client_error(error: ClientError) -> ApiError | None:
    """None for an error that is not the caller's."""
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    if code == "UserNotFoundException":
        return NotFound("there is no such user", code=code)
    return Invalid(message or code, code=code) if code in _TOLD else None


@contextmanager
def told() -> Iterator[None]:
    """Raises ApiError for what Cognito refuses within."""
    try:
        yield
    except ClientError as error:
        if ours := of_client_error(error):
            raise ours from None
        raise
