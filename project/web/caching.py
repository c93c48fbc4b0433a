"""What `Cache-Control` lets everybody keep."""

KEEP = "public, max-age=31536000, immutable"
"""For an address that never means anything else: it names the version it leads to."""

ASK_AGAIN = "public, no-cache"
"""Keep it, but ask each time whether it is still the same; the ETag makes asking cheap."""
