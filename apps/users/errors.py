from project.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated


class UserNotFound(NotFound):
    code = "user_not_found"
    title = "There is no such user"


class EmailTaken(Conflict):
    code = "email_taken"
    title = "An account with this email exists already"


class NotSuperuser(Conflict):
    code = "not_superuser"
    title = "This is an ordinary account, or a disabled one; make it an active superuser"


class RegistrationClosed(Forbidden):
    code = "registration_closed"
    title = "Registration is closed here"


class NotYourAccount(Forbidden):
    code = "not_your_account"
    title = "Only staff may look at other accounts"


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


class SimilarPassword(Invalid):
    code = "password_too_similar"
    title = "This password is too much like the address or the name of the account"
    field = "password"


class InvalidLink(Invalid):
    code = "invalid_link"
    title = "This link is not valid, or not any more: ask for a new one"
