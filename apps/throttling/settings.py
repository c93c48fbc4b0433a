from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from project.app_settings import AppSettings
from project.web.throttling import Rate


def _read(value: Any) -> Any:
    return Rate.parse(value) if isinstance(value, str) else value


def _read_all(value: Any) -> Any:
    """Read `registration=20/hour, exports=5/day`."""
    if not isinstance(value, str):
        return value
    pairs = (part.partition("=") for part in value.split(",") if part.strip())
    return {scope.strip(): Rate.parse(rate) for scope, _, rate in pairs}


WrittenRate = Annotated[Rate, NoDecode, BeforeValidator(_read)]
WrittenRates = Annotated[dict[str, Rate], NoDecode, BeforeValidator(_read_all)]


class ThrottlingSettings(AppSettings):
    enabled: bool | None = None
    """Whether anything is counted. Unset: everywhere but in tests."""

    rates: WrittenRates = Field(default_factory=dict)
    """Rates of scopes, in the place of those in the code: `registration=20/hour`."""

    sign_in_pair: WrittenRate = Rate(10, 600)
    """Wrong passwords for one account from one address."""

    sign_in_address: WrittenRate = Rate(200, 300)
    """Wrong passwords from one address, whatever the accounts; of IPv6 from one /64."""

    sign_in_account: WrittenRate = Rate(50, 3600)
    """Wrong passwords for one account from addresses where it has not signed in lately."""

    sign_in_global: WrittenRate = Rate(3000, 300)
    """Wrong passwords from all such addresses together."""

    sign_in_right: WrittenRate = Rate(1000, 3600)
    """Right passwords for one account, from wherever: each costs a hash and begins a session."""
