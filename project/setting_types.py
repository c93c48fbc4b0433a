"""How settings are written: lists, addresses, lengths of time."""

import json
import re
from typing import Annotated
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from project.mail.message import InvalidMessage, parse_address
from project.mail.places import parse_mail_url

JSON_LIST = re.compile(r'\s*\[\s*["\]]')


def _split(value: object) -> object:
    """Accept a list as JSON (`["a", "b"]`) and as `a, b`."""
    if not isinstance(value, str):
        return value
    if JSON_LIST.match(value):  # and not an IPv6 address, which begins alike
        try:
            return json.loads(value)
        except json.JSONDecodeError as error:
            raise ValueError("is not a JSON list") from error
    return [part.strip() for part in value.split(",") if part.strip()]


def _postgresql_url(value: object) -> object:
    """Name the driver, so that every tool opens the database with psycopg 3."""
    if not isinstance(value, str) or not value.strip():
        return None
    try:
        url = make_url(value.strip())
    except (ArgumentError, ValueError) as error:
        raise ValueError("is not a database URL such as postgresql://user@host/name") from error
    if url.drivername not in {"postgres", "postgresql", "postgresql+psycopg"}:
        raise ValueError("must be a postgresql:// URL; Lintel speaks PostgreSQL only")
    url = _with_socket_in_query(url).set(drivername="postgresql+psycopg")
    return url.render_as_string(hide_password=False)


def _with_socket_in_query(url: URL) -> URL:
    """Move libpq's `//%2Frun%2Fpostgresql/name` to where SQLAlchemy looks for a folder."""
    folder = unquote(url.host or "")
    if not folder.startswith("/"):
        return url
    query = {"host": folder} | ({"port": str(url.port)} if url.port else {})
    return url._replace(host=None, port=None).update_query_dict(query)


def _mail_url(value: str) -> str:
    parse_mail_url(value)
    return value


def _mail_address(value: str) -> str:
    try:
        parse_address(value)
    except InvalidMessage as error:
        raise ValueError("is not an address such as Shop <shop@example.com>") from error
    return value


def _site_url(value: str) -> str:
    """Take scheme and host; what else an address may have would end up in every link."""
    parts = urlsplit(value.rstrip("/"))
    if (
        parts.scheme not in {"http", "https"}
        or f"{parts.scheme}://{parts.netloc}" != parts.geturl()
    ):
        raise ValueError("is not a scheme and a host such as https://example.com")
    if not parts.hostname or parts.username is not None:
        raise ValueError("is not a scheme and a host such as https://example.com")
    return parts.geturl()


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Secrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split)]
DatabaseURL = Annotated[str | None, BeforeValidator(_postgresql_url)]
MailURL = Annotated[str, AfterValidator(_mail_url)]
SiteURL = Annotated[str, AfterValidator(_site_url)]
MailAddress = Annotated[str, AfterValidator(_mail_address)]
# PostgreSQL counts whole milliseconds, and takes 0 of them for "for ever".
Seconds = Annotated[float, Field(ge=0.001, le=86_400, allow_inf_nan=False)]
