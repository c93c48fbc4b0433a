"""Imported before the libraries by the process that holds them (`project.management.reloading`).

It can only be told what to import, so importing this is what keeps garbage collection away.
"""

from project.collection import collect_rarely

collect_rarely()
