from pydantic import Field

from project.app_settings import AppSettings


class UsersSettings(AppSettings):
    require_verified_email: bool = False
    """Whether an account works only once its address is confirmed."""

    reset_expire_minutes: int = Field(default=60, ge=1, le=1440)
    """Minutes that a mailed link to a new password is good for."""

    verify_expire_hours: int = Field(default=72, ge=1, le=720)
    """Hours that a mailed link is good for that confirms an address."""

    two_factor_required_for_staff: bool = False
    """Whether staff without a second factor get no further than to where they set one up."""
