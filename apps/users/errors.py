from project.errors import Conflict, Forbidden, NotFound, Unauthenticated


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
