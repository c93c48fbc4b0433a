"""Imported by the process that holds the libraries, before it imports them (`reloading.py`)."""

from project.management.collection import collect_rarely

collect_rarely()
