"""The names of all settings, those of apps included, and what else deployments name."""

from pydantic_settings import BaseSettings

from project.app_settings import SettingsOfApps, prefix_of
from project.apps import Registry
from project.management.catalogue import Catalogue
from project.settings import INSTALLED_APPS, Settings

READ_BY_COMPOSE = {"POSTGRES_PASSWORD", "PUBLISHED_PORT", "MAIL_PORT", "IMAGE_TAG"}


def command_names() -> set[str]:
    return set(Catalogue.read().commands)


def app_names() -> set[str]:
    registry = Registry.load(INSTALLED_APPS)
    settings = SettingsOfApps.load(registry, env_file=None).by_label
    return {
        f"{prefix_of(app)}{name}".upper()
        for app in registry
        if app.label in settings
        for name in type(settings[app.label]).model_fields
    }


def environment_names() -> set[str]:
    names = app_names()
    for field in Settings.model_fields.values():
        group = field.annotation
        assert isinstance(group, type)
        assert issubclass(group, BaseSettings)
        prefix = group.model_config.get("env_prefix", "")
        names |= {f"{prefix}{name}".upper() for name in group.model_fields}
    return names
