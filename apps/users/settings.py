from project.app_settings import AppSettings


class UsersSettings(AppSettings):
    two_factor_required_for_staff: bool = False
    """Whether staff without a second factor get no further than to where they set one up."""
