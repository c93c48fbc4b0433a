"""The project's own application with the slow routes as its only app but one."""

from project.application import create_application
from project.settings import load_settings

APPS = ("apps.health", "loadtests.lab.plants.planted")

app = create_application(load_settings(), installed_apps=APPS)
