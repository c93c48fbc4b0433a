from pydantic import Field

from project.app_settings import AppSettings


class ItemsSettings(AppSettings):
    image_quality: int = Field(default=80, ge=1, le=100)
    """How much of a picture WebP keeps; 80 is hard to tell from 100, at a quarter of the bytes."""
