"""The application of this process, for servers: `uvicorn project.asgi:app`."""

from project.application import create_application
from project.settings import load_settings

app = create_application(load_settings())
