"""Send a mail to the addresses named, by the way that MAIL_URL says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from project.errors import CommandError
from project.mail.mailers import create_mailer
from project.mail.message import InvalidMessage, parse_address
from project.mail.rendering import render_mail
from project.management.environment import load_registry
from project.settings import load_settings
from project.templating import create_templates

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("addresses", nargs="+", metavar="ADDRESS", help="who gets it")
    parser.add_argument("--subject", help="in the place of the usual one")


def handle(options: argparse.Namespace) -> None:
    settings = load_settings()
    mailer = create_mailer(settings)
    templates = create_templates(settings, load_registry())
    try:
        for address in options.addresses:
            parse_address(address)
        messages = [render_mail(templates, "test", address) for address in options.addresses]
        if options.subject is not None:
            messages = [replace(message, subject=options.subject) for message in messages]
    except InvalidMessage as error:
        raise CommandError(str(error), exit_code=2) from error
    for message in messages:
        mailer.send(message)
        print(f"Sent “{message.subject}” to {message.to[0]}, by {mailer}.")
