"""How much mail an address may get because somebody named it: of each kind so many an hour.

Only what is mailed on somebody's asking is counted. What tells an owner that something has
happened always leaves, or an attacker would use up the quota first. Nor is the mail of a
registration counted, since an address registers once.
"""

from loguru import logger

from apps.users.validation import normalise_email
from project.mail.message import masked
from project.runtime import Runtime
from project.web.throttling import Rate, counted_scope, has_room

RATE = Rate(5, 3600)
SCOPE = counted_scope("mail", "apps.users")


async def may_mail(runtime: Runtime, kind: str, address: str) -> bool:
    """Count one mail of a kind to an address; tell whether it may be sent.

    Whether there is such an account is not looked at, so whoever asks learns nothing.
    """
    is_within = await has_room(runtime, SCOPE, RATE, kind, normalise_email(address))
    if not is_within:
        logger.bind(logger="security", event="mail_withheld").warning(
            "No mail ({}) to {}: there were too many", kind, masked(address)
        )
    return is_within
