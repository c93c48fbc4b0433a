from project.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, Unauthenticated


class UserNotFound(NotFound):
    code = "user_not_found"
    title = "There is no such user"


class EmailTaken(Conflict):
    code = "email_taken"
    title = "An account with this email exists already"


class NotSuperuser(Conflict):
    code = "not_superuser"
    title = "This is an ordinary account, or a disabled one; make it an active superuser"


class LastSuperuser(Conflict):
    code = "last_superuser"
    title = "This is the last active superuser: make another one first"


class AccountProtected(Forbidden):
    code = "account_protected"
    title = "This account has rights that you do not have"


class SuperusersOnly(Forbidden):
    code = "superusers_only"
    title = "Only superusers may say who is staff or superuser"


class SessionNeeded(Forbidden):
    code = "session_needed"
    title = "This needs somebody who signed in, not an API key"


class UnknownPermission(Invalid):
    code = "unknown_permission"
    title = "There is no such permission"


class TooManyKeys(Conflict):
    code = "too_many_keys"
    title = "An account has 20 API keys at most: revoke one first"


class ApiKeyNotFound(NotFound):
    code = "api_key_not_found"
    title = "There is no such API key"


class RegistrationClosed(Forbidden):
    code = "registration_closed"
    title = "Registration is closed here"


class NotYourAccount(Forbidden):
    code = "not_your_account"
    title = "Only staff and holders of the permission may look at other accounts"


class WrongCredentials(Unauthenticated):
    code = "wrong_credentials"
    title = "The email or the password is wrong"


class InvalidToken(Unauthenticated):
    code = "invalid_token"
    title = "The token is not valid, or not any more"


class WrongPassword(Forbidden):
    code = "wrong_password"
    title = "This is not the password that you have now"


class EmailNotVerified(Forbidden):
    code = "email_not_verified"
    title = "Confirm your address first: follow the link that was mailed to you"


class CommonPassword(Invalid):
    code = "password_too_common"
    title = "This password is one of those that everybody tries first"
    field = "password"


class SamePassword(Invalid):
    code = "password_unchanged"
    title = "This is the password that you have now: choose another one"
    field = "password"


class SimilarPassword(Invalid):
    code = "password_too_similar"
    title = "This password is too much like the address or the name of the account"
    field = "password"


class InvalidLink(Invalid):
    code = "invalid_link"
    title = "This link is not valid, or not any more: ask for a new one"


class SessionNotFound(NotFound):
    code = "session_not_found"
    title = "There is no such sign-in, or it is over"


class CodeRequired(Unauthenticated):
    code = "two_factor_required"
    title = "This account has a second factor: send its code as `otp`, too"


class WrongCode(Unauthenticated):
    code = "wrong_code"
    title = "The code is wrong or was used before; wait for the next one"


class CodeRefused(Forbidden):
    """The same for somebody who is signed in, whose token is in order."""

    code = WrongCode.code
    title = WrongCode.title


class TwoFactorLocked(DomainError):
    """Too many wrong codes in a row; `retry_after` is in whole seconds."""

    status = 429
    code = "two_factor_locked"
    title = "Too many wrong codes: wait, or use a recovery code"

    def __init__(self, detail: str | None = None, *, retry_after: int = 60) -> None:
        super().__init__(detail)
        self.retry_after = retry_after

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after)}


class TwoFactorActive(Conflict):
    code = "two_factor_active"
    title = "A second factor is set up already; remove it first"


class TwoFactorNotOffered(Conflict):
    code = "two_factor_not_offered"
    title = "No second factor waits to be confirmed, or not any more: begin again"


class TwoFactorInactive(Conflict):
    code = "two_factor_inactive"
    title = "This account has no second factor"


class StaffNeedsTwoFactor(Forbidden):
    code = "two_factor_required"
    title = "Staff need a second factor here; set one up first"
