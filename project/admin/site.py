"""The admin."""

from fastapi import FastAPI


def install_admin(app: FastAPI) -> None:
    """Mount the admin at `/admin`."""
