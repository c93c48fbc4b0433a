"""Publish a post."""

import argparse

from acme_blog.services import publish_post
from project.management.environment import load_registry, open_database
from project.settings import load_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("title")


def handle(options: argparse.Namespace) -> None:
    load_registry()
    with open_database(load_settings()) as database, database.transaction() as session:
        post = publish_post(session, title=options.title)
        print(f"Post {post.id} is published.")
