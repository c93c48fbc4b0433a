"""The second factor's rules, without HTTP."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from apps.users import totp, two_factor
from apps.users.errors import (
    CodeRefused,
    CodeRequired,
    TwoFactorActive,
    TwoFactorInactive,
    TwoFactorLocked,
    TwoFactorNotOffered,
    WrongCode,
    WrongCredentials,
)
from apps.users.models import AuthSession, RecoveryCode, TwoFactor, User
from apps.users.services import start_session
from apps.users.vault import Vault
from project.errors import DomainError
from tests.apps.users.enrolment import Enrolled, enrolled
from tests.factories.users import UserFactory

OLD = Vault(["zyxwvutsrqponmlkjihgfedcba9876543210"])
VAULT = Vault(["0123456789abcdefghijklmnopqrstuvwxyz", *OLD.secret_keys])
HOUR = timedelta(hours=1)


@pytest.fixture
def ada(session: Session) -> Enrolled:
    return enrolled(session, VAULT)


def check(session: Session, who: Enrolled, code: str | None, vault: Vault = VAULT) -> type | None:
    """The kind of refusal, None if there was none."""
    refusal: DomainError | None = two_factor.check_code(
        session, user_id=who.user.id, code=code, vault=vault
    )
    return None if refusal is None else type(refusal)


def fail(session: Session, who: Enrolled, times: int) -> None:
    for _ in range(times):
        assert check(session, who, who.wrong_code()) is WrongCode


def locked_seconds(session: Session) -> float:
    left = func.extract("epoch", TwoFactor.locked_until - func.clock_timestamp())
    return float(session.scalars(select(left)).one() or 0)


def test_code_works_once(session: Session, ada: Enrolled) -> None:
    code = ada.code()
    assert check(session, ada, code) is None
    assert check(session, ada, code) is WrongCode


def test_earlier_code_is_worth_nothing_after_a_later_one(session: Session, ada: Enrolled) -> None:
    now = totp.current_step()
    later, earlier = (totp.code_at(ada.secret, step) for step in (now + 1, now))
    assert check(session, ada, later) is None
    assert check(session, ada, earlier) is WrongCode


@pytest.mark.parametrize("code", [None, ""])
def test_no_code(session: Session, ada: Enrolled, code: str | None) -> None:
    assert check(session, ada, code) is CodeRequired


@pytest.mark.parametrize("code", ["0", "x" * 64, "٧٥٥٢٢٤", "1234567", "-", " "])
def test_no_such_code(session: Session, ada: Enrolled, code: str) -> None:
    assert check(session, ada, code) is WrongCode


def test_code_with_a_space(session: Session, ada: Enrolled) -> None:
    code = ada.code()
    assert check(session, ada, f" {code[:3]} {code[3:]} ") is None


def test_code_of_somebody_else(session: Session, ada: Enrolled) -> None:
    assert check(session, ada, enrolled(session, VAULT).code()) is WrongCode


def test_five_wrong_codes_lock(session: Session, ada: Enrolled) -> None:
    fail(session, ada, 5)
    assert check(session, ada, ada.code()) is TwoFactorLocked
    assert 890 < locked_seconds(session) <= 900


def test_locks_grow_longer(session: Session, ada: Enrolled) -> None:
    for failures, minutes in ((4, 15), (9, 30), (14, 60), (5_000_004, 24 * 60)):
        session.execute(update(TwoFactor).values(failures=failures, locked_until=None))
        fail(session, ada, 1)
        assert minutes * 60 - 10 < locked_seconds(session) <= minutes * 60


def test_right_code_forgets_the_wrong_ones(session: Session, ada: Enrolled) -> None:
    fail(session, ada, 4)
    assert check(session, ada, ada.code()) is None
    fail(session, ada, 4)
    assert check(session, ada, ada.code(1)) is None


def test_lock_ends(session: Session, ada: Enrolled) -> None:
    fail(session, ada, 5)
    session.execute(update(TwoFactor).values(locked_until=func.now() - HOUR))
    assert check(session, ada, ada.code()) is None


def test_recovery_code_works_once(session: Session, ada: Enrolled) -> None:
    code = ada.recovery_codes[0]
    assert check(session, ada, code) is None
    assert check(session, ada, code) is WrongCode
    assert check(session, ada, ada.recovery_codes[1].upper().replace("-", " ")) is None
    assert two_factor.count_recovery_codes(session, user_id=ada.user.id) == 8


def test_recovery_code_opens_a_lock(session: Session, ada: Enrolled) -> None:
    """Somebody else who knows the password shall not keep its owner out."""
    fail(session, ada, 5)
    assert check(session, ada, ada.recovery_codes[0]) is None
    assert check(session, ada, ada.code()) is None


def test_recovery_code_of_somebody_else(session: Session, ada: Enrolled) -> None:
    other = enrolled(session, VAULT)
    assert check(session, ada, other.recovery_codes[0]) is WrongCode
    assert two_factor.count_recovery_codes(session, user_id=other.user.id) == 10


def test_recovery_codes_are_stored_hashed(session: Session, ada: Enrolled) -> None:
    stored = session.scalars(select(RecoveryCode.code_hash)).all()
    assert len(set(stored)) == len(set(ada.recovery_codes)) == 10
    assert all(len(code.replace("-", "")) == 24 for code in ada.recovery_codes)
    assert not any(code.encode() in stored for code in ada.recovery_codes)


def test_rotation_of_keys_keeps_the_factor(session: Session) -> None:
    """A code that works seals the secret anew, so that the older key can go."""
    ada = enrolled(session, OLD)
    assert check(session, ada, ada.code()) is None
    assert check(session, ada, ada.code(1), Vault(VAULT.secret_keys[:1])) is None


def test_lost_key_lets_nobody_in(session: Session) -> None:
    ada = enrolled(session, OLD)
    assert check(session, ada, ada.code(), Vault(VAULT.secret_keys[:1])) is WrongCode


def test_session_without_a_look_at_the_code(session: Session, ada: Enrolled) -> None:
    """Whatever forgets to ask, as when the factor was set up a moment ago, begins no session."""
    with pytest.raises(WrongCredentials):
        start_session(session, user_id=ada.user.id, lifetime=HOUR)


# Setting it up and taking it away


def test_enrolment(session: Session) -> None:
    user = UserFactory.create()
    kept, other = (start_session(session, user_id=user.id, lifetime=HOUR) for _ in range(2))
    secret = two_factor.offer(session, user_id=user.id, vault=VAULT)
    assert not user.has_two_factor
    code = totp.code_at(secret, totp.current_step())
    codes = two_factor.confirm(
        session, user_id=user.id, code=code, vault=VAULT, keep=kept.session_id
    )
    assert isinstance(codes, list)
    session.expire_all()
    assert user.has_two_factor
    assert len(codes) == 10
    assert session.get_one(AuthSession, kept.session_id).revoked_at is None
    assert session.get_one(AuthSession, other.session_id).revoked_at is not None
    assert check(session, Enrolled(user, secret, codes), code) is WrongCode, "it was used"


def test_offer_is_no_factor(session: Session) -> None:
    user = UserFactory.create()
    secret = two_factor.offer(session, user_id=user.id, vault=VAULT)
    assert (
        check(session, Enrolled(user, secret, []), Enrolled(user, secret, []).code()) is WrongCode
    )


def test_wrong_first_code(session: Session) -> None:
    user = UserFactory.create()
    first = Enrolled(user, two_factor.offer(session, user_id=user.id, vault=VAULT), [])
    second = two_factor.offer(session, user_id=user.id, vault=VAULT)
    for code in (first.code(), "", "x"):
        refusal = two_factor.confirm(session, user_id=user.id, code=code, vault=VAULT)
        assert isinstance(refusal, CodeRefused)
    assert two_factor.find_offer(session, user_id=user.id, vault=VAULT) == second
    two_factor.confirm(
        session, user_id=user.id, code=totp.code_at(second, totp.current_step()), vault=VAULT
    )
    assert session.scalars(select(TwoFactor.failures)).one() == 0


def test_another_offer_forgets_the_wrong_codes(session: Session) -> None:
    user = UserFactory.create()
    for _ in range(2):
        secret = two_factor.offer(session, user_id=user.id, vault=VAULT)
        for _ in range(4):
            two_factor.confirm(session, user_id=user.id, code="x", vault=VAULT)
    assert two_factor.find_offer(session, user_id=user.id, vault=VAULT) == secret


def test_offer_that_is_too_old(session: Session) -> None:
    user = UserFactory.create()
    secret = two_factor.offer(session, user_id=user.id, vault=VAULT)
    session.execute(update(TwoFactor).values(created_at=func.now() - two_factor.OFFER_LIFETIME))
    code = totp.code_at(secret, totp.current_step())
    with pytest.raises(TwoFactorNotOffered):
        two_factor.confirm(session, user_id=user.id, code=code, vault=VAULT)
    assert two_factor.find_offer(session, user_id=user.id, vault=VAULT) is None


def test_nothing_was_offered(session: Session) -> None:
    user = UserFactory.create()
    with pytest.raises(TwoFactorNotOffered):
        two_factor.confirm(session, user_id=user.id, code="123456", vault=VAULT)


def test_active_factor_is_not_replaced(session: Session, ada: Enrolled) -> None:
    with pytest.raises(TwoFactorActive):
        two_factor.offer(session, user_id=ada.user.id, vault=VAULT)
    with pytest.raises(TwoFactorActive):
        two_factor.confirm(session, user_id=ada.user.id, code=ada.code(), vault=VAULT)
    assert check(session, ada, ada.code()) is None


def test_removed(session: Session, ada: Enrolled) -> None:
    grant = start_session(session, user_id=ada.user.id, lifetime=HOUR, is_code_verified=True)
    two_factor.remove(session, user_id=ada.user.id)
    session.expire_all()
    assert not session.get_one(User, ada.user.id).has_two_factor
    assert session.get_one(AuthSession, grant.session_id).revoked_at is not None
    assert two_factor.count_recovery_codes(session, user_id=ada.user.id) == 0
    with pytest.raises(TwoFactorInactive):
        two_factor.remove(session, user_id=ada.user.id)


def test_renewed_recovery_codes(session: Session, ada: Enrolled) -> None:
    codes = two_factor.renew_recovery_codes(session, user_id=ada.user.id)
    assert set(codes).isdisjoint(ada.recovery_codes)
    assert check(session, ada, ada.recovery_codes[0]) is WrongCode
    assert check(session, ada, codes[0]) is None
    with pytest.raises(TwoFactorInactive):
        two_factor.renew_recovery_codes(session, user_id=UserFactory.create().id)
