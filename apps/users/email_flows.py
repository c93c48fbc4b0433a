"""What accounts do by mail: confirm an address, get a new password, move to another address.

Functions that begin with a session run inside one transaction; the `async` ones use the hash lane,
too, and hold no connection meanwhile, as signing in does.
"""

import uuid
from datetime import timedelta

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from apps.users.credentials import set_password
from apps.users.errors import (
    EmailTaken,
    InvalidLink,
    InvalidToken,
    SamePassword,
    WrongPassword,
)
from apps.users.events import log_when_saved
from apps.users.mail_quota import may_mail
from apps.users.mail_tokens import Purpose, find_owner, forget_tokens, issue_token, use_token
from apps.users.mails import can_mail, link_to, post_mail
from apps.users.models import User
from apps.users.passwords import hash_new_password, judge_password
from apps.users.queries import find_signed_in_user, find_user_by_email
from apps.users.settings import UsersSettings
from apps.users.sign_ins import end_sessions
from apps.users.validation import normalise_email
from project.runtime import Runtime
from project.web.transaction import Transactions

NO_PAUSE = timedelta(0)


# -- the address that an account has --------------------------------------------------------


def send_verification(session: Session, runtime: Runtime, *, user: User) -> None:
    """Mail a link that proves the address, unless that is proven."""
    if user.is_verified or not user.is_active or not can_mail(runtime.settings):
        return
    token = issue_token(
        session,
        user_id=user.id,
        purpose=Purpose.VERIFY,
        email=user.email,
        lifetime=_verify_lifetime(runtime),
    )
    if token is not None:
        link = link_to(runtime.settings, f"/account/verify/{token}")
        post_mail(session, runtime, "verify", user.email, link=link)


def resend_verification(session: Session, runtime: Runtime, *, email: str) -> None:
    """Mail the link once more; whoever asks does not learn whether there is such an account."""
    user = find_user_by_email(session, normalise_email(email))
    if user is not None:
        send_verification(session, runtime, user=user)


def verify_address(session: Session, *, token: str) -> None:
    """Note that the account's address is read by its owner. Raises InvalidLink."""
    user, email = use_token(session, token=token, purpose=Purpose.VERIFY)
    user.verified_email = email
    session.flush()  # the answer says that it is done


# -- another password -----------------------------------------------------------------------


def send_reset(session: Session, runtime: Runtime, *, email: str) -> None:
    """Mail a link to a new password, if an account has this address and a password."""
    user = find_user_by_email(session, normalise_email(email))
    if user is None or not user.is_active or user.password_hash is None:
        return
    if not can_mail(runtime.settings):
        return
    minutes = runtime.app_settings.of(UsersSettings).reset_expire_minutes
    token = issue_token(
        session,
        user_id=user.id,
        purpose=Purpose.RESET,
        email=user.email,
        lifetime=timedelta(minutes=minutes),
    )
    if token is not None:
        link = link_to(runtime.settings, f"/account/reset/{token}")
        post_mail(session, runtime, "reset", user.email, link=link, minutes=minutes)


async def reset_password(runtime: Runtime, *, token: str, password: str) -> None:
    """Give the account behind a link another password, and end all its sessions and keys.

    A password that is refused leaves the link as good as it was. Raises InvalidLink,
    CommonPassword or SimilarPassword.
    """
    transactions = Transactions(runtime)
    user = await transactions.read(find_owner, token=token, purpose=Purpose.RESET)
    if user is None:
        raise InvalidLink
    password_hash = await _hash_for(runtime, user, password)
    await transactions.run(_finish_reset, runtime, token=token, password_hash=password_hash)


def _finish_reset(session: Session, runtime: Runtime, *, token: str, password_hash: str) -> None:
    user, email = use_token(session, token=token, purpose=Purpose.RESET)
    user.verified_email = email  # the link was read there
    set_password(session, user=user, password_hash=password_hash)
    log_when_saved(session, "password_reset", "Password reset by a mailed link", user_id=user.id)
    post_mail(session, runtime, "password_changed", user.email)


async def change_password(
    runtime: Runtime, *, user_id: int, session_id: uuid.UUID, current: str, password: str
) -> None:
    """Change the password of whoever is signed in; every other session and all keys end.

    Raises WrongPassword, SamePassword, CommonPassword or SimilarPassword.
    """
    user = await _confirm_password(runtime, user_id, session_id, current)
    if password == current:
        raise SamePassword
    password_hash = await _hash_for(runtime, user, password)
    await Transactions(runtime).run(
        _finish_change,
        runtime,
        verified=user,
        password_hash=password_hash,
        kept_session=session_id,
    )


def _finish_change(
    session: Session,
    runtime: Runtime,
    *,
    verified: User,
    password_hash: str,
    kept_session: uuid.UUID,
) -> None:
    user = _lock_verified(session, verified)
    set_password(session, user=user, password_hash=password_hash, kept_session=kept_session)
    log_when_saved(session, "password_changed", "Password changed", user_id=user.id)
    post_mail(session, runtime, "password_changed", user.email)


# -- another address ------------------------------------------------------------------------


async def request_email_change(
    runtime: Runtime, *, user_id: int, session_id: uuid.UUID, current: str, email: str
) -> None:
    """Mail a link to the new address and a notice to the old one. Raises WrongPassword.

    Whether the new address belongs to another account is told to nobody but its owner. Neither
    mail leaves without the other, or too many notices would end them.
    """
    user = await _confirm_password(runtime, user_id, session_id, current)
    wanted = ((Purpose.CHANGE, email), ("change_asked", user.email))
    if all([await may_mail(runtime, kind, address) for kind, address in wanted]):
        await Transactions(runtime).run(_send_change, runtime, verified=user, email=email)


def _send_change(session: Session, runtime: Runtime, *, verified: User, email: str) -> None:
    user = _lock_verified(session, verified)
    if email == user.email or not can_mail(runtime.settings):
        return
    post_mail(session, runtime, "change_asked", user.email, new_email=email)
    if find_user_by_email(session, email) is not None:
        post_mail(session, runtime, "address_in_use", email)
        return
    token = issue_token(
        session,
        user_id=user.id,
        purpose=Purpose.CHANGE,
        email=email,
        lifetime=_verify_lifetime(runtime),
        pause=NO_PAUSE,  # whoever mistyped the address asks again at once
    )
    link = link_to(runtime.settings, f"/account/email/{token}")
    post_mail(session, runtime, "change", email, link=link)


def change_email(session: Session, runtime: Runtime, *, token: str) -> None:
    """Move the account to the address that a link was sent to, and end all its sessions.

    Raises InvalidLink, EmailTaken.
    """
    user, email = use_token(session, token=token, purpose=Purpose.CHANGE)
    before = user.email
    try:
        with session.begin_nested():
            user.email = user.verified_email = email
            session.flush()  # somebody may have registered with it meanwhile
    except IntegrityError as error:
        raise EmailTaken from error
    forget_tokens(session, user_id=user.id)
    end_sessions(session, user_id=user.id)
    log_when_saved(session, "email_changed", "Address changed", user_id=user.id)
    post_mail(session, runtime, "email_changed", before, new_email=email)


# -- what they share ------------------------------------------------------------------------


async def _confirm_password(
    runtime: Runtime, user_id: int, session_id: uuid.UUID, password: str
) -> User:
    """Return the account that is signed in. Raises InvalidToken or WrongPassword."""
    user = await Transactions(runtime).read(
        find_signed_in_user, user_id=user_id, session_id=session_id
    )
    if user is None:
        raise InvalidToken
    verdict = await runtime.lanes.hash.run(judge_password, password, user.password_hash)
    if not verdict.is_right:
        raise WrongPassword
    return user


def _lock_verified(session: Session, verified: User) -> User:
    """Return the account to be changed. Raises WrongPassword if it has another one by now."""
    user = session.get(User, verified.id, with_for_update={"key_share": True})
    if user is None or not user.is_active or user.password_hash != verified.password_hash:
        raise WrongPassword
    return user


async def _hash_for(runtime: Runtime, user: User, password: str) -> str:
    return await runtime.lanes.hash.run(
        hash_new_password, password, email=user.email, full_name=user.full_name
    )


def _verify_lifetime(runtime: Runtime) -> timedelta:
    return timedelta(hours=runtime.app_settings.of(UsersSettings).verify_expire_hours)
