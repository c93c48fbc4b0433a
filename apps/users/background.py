"""Mail that anybody may ask for, by naming an address.

The work is done after the answer has left, so neither the answer nor its time tells whether there
is an account with this address.
"""

from collections.abc import Callable
from typing import Any

from loguru import logger

from apps.users import email_flows
from apps.users.mail_quota import may_mail
from apps.users.mail_tokens import Purpose
from project.runtime import Runtime
from project.web.transaction import Transactions


async def send_reset(runtime: Runtime, email: str) -> None:
    """Mail a link to a new password, if there is somebody to mail it to."""
    await _run(runtime, Purpose.RESET, email_flows.send_reset, email)


async def resend_verification(runtime: Runtime, email: str) -> None:
    """Mail the link that confirms an address, if there is somebody to mail it to."""
    await _run(runtime, Purpose.VERIFY, email_flows.resend_verification, email)


async def _run(runtime: Runtime, kind: str, work: Callable[..., Any], email: str) -> None:
    try:
        if await may_mail(runtime, kind, email):
            await Transactions(runtime).run(work, runtime, email=email)
    except Exception:  # noqa: BLE001 - the answer has left; whoever misses the mail asks again
        logger.exception("A mail that was asked for is not written")
