"""A streaming replica that takes reads off the primary, and is never a reason to fail.

positions.py   places in the log of changes, and how far the present request has written
watch.py       how far behind the replica is, asked four times a second
breaker.py     leaves it alone for a while after failures
server.py      its pool, and readings that can be cut off
"""
