"""Give an account another password, end all its sessions and tell its owner.

Asks for the password, twice; with --noinput it is read from NEW_PASSWORD.
"""

import argparse
import sys

from apps.users.commands._asking import find_password, password_of, require_terminal
from apps.users.credentials import set_password
from apps.users.events import log_when_saved
from apps.users.mails import write_mail
from apps.users.passwords import hash_new_password
from apps.users.queries import find_user_by_email
from project.apps import Registry
from project.errors import CommandError
from project.mail.mailers import create_mailer
from project.mail.message import MailNotSent
from project.management.environment import load_registry, open_database
from project.settings import Settings, load_settings
from project.templating import create_templates

VARIABLE = "NEW_PASSWORD"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("email", help="the account's address")
    parser.add_argument("--noinput", "--no-input", action="store_true", help="ask nothing")


def handle(options: argparse.Namespace) -> int:
    if not options.noinput:
        require_terminal(VARIABLE)
    settings, registry = load_settings(), load_registry()
    with open_database(settings) as database:
        with database.transaction() as session:
            known = find_user_by_email(session, options.email)
        if known is None:
            raise CommandError(f"There is no account {options.email}.")
        # Nobody waits for a person with a transaction open.
        variable = VARIABLE if options.noinput else ""
        password = find_password(variable)
        with password_of(variable):
            hashed = hash_new_password(password, email=known.email, full_name=known.full_name)
        with database.transaction() as session:
            user = find_user_by_email(session, options.email)
            if user is None:
                raise CommandError(f"{options.email} was deleted meanwhile.")
            set_password(session, user=user, password_hash=hashed)
            sentence = "Password set on the command line"
            log_when_saved(session, "password_set", sentence, user_id=user.id)
    print(f"{options.email} has another password; its sessions and API keys have ended.")
    _tell_owner(settings, registry, known.email)
    return 0


def _tell_owner(settings: Settings, registry: Registry, email: str) -> None:
    """Mail the notice, where mail leaves; the password is changed whatever becomes of it."""
    mail = write_mail(settings, create_templates(settings, registry), "password_changed", email)
    if mail is None:
        return
    try:
        create_mailer(settings).send(mail)
    except MailNotSent as error:
        print(f"The owner could not be told: {error}", file=sys.stderr)
