"""The verbs of `manage.py loadtest`, one file each."""
