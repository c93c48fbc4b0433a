"""Verbs of `manage.py loadtest`: each file is one, as in `project/management/commands`."""
