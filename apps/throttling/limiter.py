"""This app counts for everybody: it answers the questions of `project.web.throttling.Limiter`."""

import hmac
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from time import monotonic

from sqlalchemy.ext.asyncio import AsyncConnection

from apps.throttling import buckets
from apps.throttling.asking import Asking
from apps.throttling.buckets import Drop, Level
from apps.throttling.models import KEY_BYTES
from apps.throttling.settings import ThrottlingSettings
from project.app_settings import SettingsOfApps
from project.errors import Unavailable
from project.runtime import Runtime
from project.settings import Settings
from project.web.throttling import Attempt, Limiter, Quota, Rate, Verdict, refuse_excess

PURGE_EVERY = 256
"""One in so many requests that are counted deletes what is over."""

REMEMBERED = 30 * 86_400.0
"""Seconds for which an account is known at an address where it has signed in."""

REFUSED_WITHOUT_ASKING = 1.0
"""Seconds for which a worker repeats a refusal: a flood costs the database next to nothing."""

MOST_REFUSALS = 10_000


def create_limiter(settings: Settings, app_settings: SettingsOfApps) -> Limiter | None:
    """Return the limiter of one process, or None if nothing is to be counted."""
    own = app_settings.of(ThrottlingSettings)
    is_test = settings.environment == "test"
    is_enabled = not is_test if own.enabled is None else own.enabled
    return BucketLimiter(own, settings.secret_keys[0]) if is_enabled else None


class BucketLimiter:
    """Counts in leaky buckets, which the database keeps for all workers and hosts."""

    def __init__(self, own: ThrottlingSettings, secret: str) -> None:
        self._own = own
        self._secret = secret.encode()
        self._calls = Asking()
        self._sign_ins = Asking(is_strict=True)
        self._refusals: dict[Quota, tuple[float, Verdict]] = {}

    @property
    def unasked(self) -> int:
        """How many were let through because the database could not be asked."""
        return self._calls.unasked + self._sign_ins.unasked

    async def close(self) -> None:
        """End what is still being asked."""
        await self._calls.close()
        await self._sign_ins.close()

    def rate_of(self, _: Runtime, scope: str, default: Rate) -> Rate:
        return self._own.rates.get(scope, default)

    async def admit(self, runtime: Runtime, quotas: Sequence[Quota]) -> Verdict | None:
        return await self._admit(runtime, quotas, self._calls)

    async def _admit(
        self, runtime: Runtime, quotas: Sequence[Quota], asking: Asking
    ) -> Verdict | None:
        known = self._known_refusal(quotas)
        if known is not None:
            return known
        drops = [self._drop(quota) for quota in quotas]

        async def fill(connection: AsyncConnection) -> Verdict:
            levels = await buckets.fill(connection, drops)
            return Verdict(quotas[len(levels) - 1], *levels[-1])

        is_due = random.randrange(PURGE_EVERY) == 0  # noqa: S311 - no secret
        verdict = await asking.ask(
            runtime,
            fill,
            shortcut=lambda: self._known_refusal(quotas),
            afterwards=buckets.purge if is_due else None,
        )
        if verdict is not None and not verdict.is_admitted:
            self._keep(verdict)
        return verdict

    @asynccontextmanager
    async def attempt(
        self, runtime: Runtime, *, account: str, address: str
    ) -> AsyncIterator[Attempt]:
        own, attempt = self._own, Attempt()
        near = [
            Quota("sign-in", own.sign_in_address, ("sign-in", "address", address)),
            Quota("sign-in", own.sign_in_pair, ("sign-in", "pair", account, address)),
        ]
        far = [
            Quota("sign-in", own.sign_in_account, ("sign-in", "account", account)),
            Quota("sign-in", own.sign_in_global, ("sign-in", "global")),
        ]
        right = Quota("sign-in", own.sign_in_right, ("sign-in", "right", account))
        acquaintance = self._key(("sign-in", "known", account, address))
        refuse_excess(self._known_refusal([right]))
        refuse_excess(await self._admit(runtime, near, self._sign_ins))
        is_known = await self._look(runtime, acquaintance, right, near)
        if is_known:
            far = []
        else:
            refuse_excess(await self._admit(runtime, far, self._sign_ins))
        try:
            yield attempt
        except Exception:  # nobody has looked at the password: the server was busy, or broken
            await self._forgive(runtime, [*near, *far])
            raise
        if attempt.has_succeeded:
            await self._reward(runtime, [*near, *far], acquaintance, right)

    async def _look(
        self, runtime: Runtime, acquaintance: bytes, right: Quota, counted: Sequence[Quota]
    ) -> bool:
        """Whether this account has signed in from this address lately.

        Strangers who try its password everywhere use up what all strangers have together. Who
        comes from where the account is at home has a count of his own, and stays able to come in.

        Raises TooManyRequests, and gives back what was counted, if somebody who knows the
        password has signed in too often: only a right password is counted there, so nobody who
        guesses shuts the owner out.
        """

        async def look(connection: AsyncConnection) -> tuple[bool, Level]:
            level = await buckets.level_of(connection, self._drop(right))
            return await buckets.is_remembered(connection, acquaintance), level

        found = await self._sign_ins.ask(runtime, look)
        if found is None:
            return False
        is_known, level = found
        if not level.is_admitted:
            await self._forgive(runtime, counted)
            self._refuse(Verdict(right, *level))
        return is_known

    async def _reward(
        self, runtime: Runtime, quotas: Sequence[Quota], acquaintance: bytes, right: Quota
    ) -> None:
        """Give back what was no failure, and count the sign-in itself. Raises TooManyRequests.

        Of many at the same time each found room before; here one is counted after the other.
        """
        drops = [self._drop(quota) for quota in quotas]

        async def settle(connection: AsyncConnection) -> Level:
            await buckets.take_back(connection, drops)
            await buckets.remember(connection, acquaintance, seconds=REMEMBERED)
            return (await buckets.fill(connection, [self._drop(right)]))[0]

        level = None
        with suppress(Unavailable):  # it does not come to its turn; the answer stands nevertheless
            level = await self._sign_ins.ask(runtime, settle)
        if level is not None and not level.is_admitted:
            self._refuse(Verdict(right, *level))

    def _refuse(self, verdict: Verdict) -> None:
        """Raise TooManyRequests, and do so without asking for the next moment."""
        self._keep(verdict)
        refuse_excess(verdict)

    async def _forgive(self, runtime: Runtime, quotas: Sequence[Quota]) -> None:
        """Give back what was no failure. Only this attempt's: an attacker may own an account."""
        drops = [self._drop(quota) for quota in quotas]

        async def give_back(connection: AsyncConnection) -> None:
            await buckets.take_back(connection, drops)

        with suppress(Unavailable):  # as above
            await self._sign_ins.ask(runtime, give_back)

    def _known_refusal(self, quotas: Sequence[Quota]) -> Verdict | None:
        for quota in quotas:
            until, verdict = self._refusals.get(quota, (0.0, None))
            if verdict is not None and monotonic() < until:
                return verdict
        return None

    def _keep(self, verdict: Verdict) -> None:
        if len(self._refusals) >= MOST_REFUSALS:
            self._refusals.clear()
        wait = verdict.level + verdict.quota.rate.step - verdict.quota.rate.seconds
        until = monotonic() + min(wait, REFUSED_WITHOUT_ASKING)
        self._refusals[verdict.quota] = (until, verdict)

    def _drop(self, quota: Quota) -> Drop:
        return Drop(self._key(quota.subject), quota.rate.step, float(quota.rate.seconds))

    def _key(self, subject: tuple[str, ...]) -> bytes:
        """Hash whose bucket it is, with the secret key: nobody finds out emails by trying them."""
        named = "\0".join(subject).encode("utf-8", "surrogatepass")
        return hmac.digest(self._secret, named, "sha256")[:KEY_BYTES]
