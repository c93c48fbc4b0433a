"""What machines ask for all day, and nobody wants to see among what people ask for."""

UNSEEN_PATHS = ("/health/", "/metrics", "/static/")
