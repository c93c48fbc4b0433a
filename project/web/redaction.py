"""What may be a secret in an address."""

import re

LIKE_A_SECRET = re.compile(r"[A-Za-z0-9_-]{31,}")
