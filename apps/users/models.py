"""Accounts, what they are permitted, their sessions and their API keys."""

import uuid
from datetime import datetime

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    false,
    func,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column

from project.db.base import Base, BigIntKey, Timestamps
from project.web.client import ADDRESS_LENGTH, AGENT_LENGTH

EMAIL_LENGTH = 254
NAME_LENGTH = 200
GROUP_NAME_LENGTH = 150
PERMISSION_LENGTH = 150
KEY_NAME_LENGTH = 100


class User(Timestamps, Base):
    """An account. The email is kept in lower case, so that one address is one account."""

    __table_args__ = (
        CheckConstraint("email = lower(email)", name="email_lower"),
        # What the admin's list sorts by.
        Index(None, "created_at", "id"),
        Index(None, "full_name", "id"),
    )

    id: Mapped[BigIntKey]
    email: Mapped[str] = mapped_column(String(EMAIL_LENGTH), unique=True)
    full_name: Mapped[str | None] = mapped_column(String(NAME_LENGTH))
    password_hash: Mapped[str | None] = mapped_column(String(255))
    """An argon2id string; None for an account that nobody can sign in to."""

    is_active: Mapped[bool] = mapped_column(default=True, server_default=true())
    is_staff: Mapped[bool] = mapped_column(default=False, server_default=false())
    is_superuser: Mapped[bool] = mapped_column(default=False, server_default=false())
    last_login_at: Mapped[datetime | None]
    verified_email: Mapped[str | None] = mapped_column(String(EMAIL_LENGTH))
    """The address that somebody proved to read; another `email` is not proven by it."""

    @property
    def is_verified(self) -> bool:
        """Whether a link that was mailed to the account's address came back."""
        return self.verified_email == self.email

    has_two_factor: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether signing in takes a code besides the password; TwoFactor holds what it needs."""

    def __str__(self) -> str:
        return self.email


class Group(Timestamps, Base):
    """A role: whoever is in it holds its permissions."""

    id: Mapped[BigIntKey]
    name: Mapped[str] = mapped_column(String(GROUP_NAME_LENGTH), unique=True)

    def __str__(self) -> str:
        return self.name


class GroupPermission(Base):
    """A permission that a group gives, by its name: what it means is in the code."""

    __actions__ = ()

    group_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("users_group.id", ondelete="CASCADE"), primary_key=True
    )
    permission: Mapped[str] = mapped_column(String(PERMISSION_LENGTH), primary_key=True)


class UserGroup(Base):
    """An account's place in a group."""

    __actions__ = ()

    user_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("users_user.id", ondelete="CASCADE"), primary_key=True
    )
    group_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("users_group.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class UserPermission(Base):
    """A permission that an account holds by itself."""

    __actions__ = ()

    user_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("users_user.id", ondelete="CASCADE"), primary_key=True
    )
    permission: Mapped[str] = mapped_column(String(PERMISSION_LENGTH), primary_key=True)


class ApiKey(Base):
    """A key for programs. The database keeps its SHA-256; the key itself is shown once."""

    __actions__ = ("view", "delete")

    id: Mapped[BigIntKey]
    user_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("users_user.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(String(KEY_NAME_LENGTH))
    prefix: Mapped[str] = mapped_column(String(8), unique=True)
    """The part that may be seen: it names the key in lists and in the log."""

    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    scopes: Mapped[list[str]] = mapped_column(ARRAY(String(PERMISSION_LENGTH)))
    """Names of permissions. It has those of them that its owner holds when it is used."""

    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    """When it was last used, give or take a minute."""

    revoked_at: Mapped[datetime | None]

    def __str__(self) -> str:
        return f"{self.name} (lk_{self.prefix}…)"


class AuthSession(Base):
    """A sign-in and all tokens that came of it; revoking it ends them at once."""

    __actions__ = ()

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    user_id: Mapped[int] = mapped_column(
        ForeignKey("users_user.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    """When refreshing ends for good, however often it was done."""

    revoked_at: Mapped[datetime | None]
    cookie_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True)
    """The SHA-256 of a browser's cookie; None for a session of the API, which has tokens."""

    seen_at: Mapped[datetime | None]
    """When the browser last came by, give or take a minute, or the tokens were last refreshed."""

    client_address: Mapped[str | None] = mapped_column(String(ADDRESS_LENGTH))
    user_agent: Mapped[str | None] = mapped_column(String(AGENT_LENGTH))
    """Where the sign-in or the last refresh came from, for its owner to recognise."""


class RefreshToken(Base):
    """A refresh token's SHA-256; the token itself is known to the client alone."""

    __actions__ = ()

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    session_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("users_auth_session.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    used_at: Mapped[datetime | None]
    """Each works once; a second use is a theft of one of the two."""


class MailToken(Base):
    """The SHA-256 of what stands in a mailed link. An account has one link for each purpose.

    So a new link replaces the older one, and the table cannot outgrow the accounts.
    """

    __actions__ = ()

    user_id: Mapped[int] = mapped_column(
        ForeignKey("users_user.id", ondelete="CASCADE"), primary_key=True
    )
    purpose: Mapped[str] = mapped_column(String(20), primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    email: Mapped[str] = mapped_column(String(EMAIL_LENGTH))
    """Where the link was sent to."""

    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(index=True)


class TwoFactor(Base):
    """An account's authenticator app (TOTP): an offer, until its first code was shown."""

    __actions__ = ()

    user_id: Mapped[int] = mapped_column(
        ForeignKey("users_user.id", ondelete="CASCADE"), primary_key=True
    )
    sealed_secret: Mapped[bytes] = mapped_column(LargeBinary)
    """Encrypted with a key that is made of SECRET_KEY, for this account alone."""

    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """The half minute whose code was taken last: neither it nor an earlier one works again."""

    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    """Wrong codes since the last right one."""

    locked_until: Mapped[datetime | None]


class RecoveryCode(Base):
    """The SHA-256 of a code that replaces the authenticator app once; deleted by being used."""

    __actions__ = ()

    user_id: Mapped[int] = mapped_column(
        ForeignKey("users_user.id", ondelete="CASCADE"), primary_key=True
    )
    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
