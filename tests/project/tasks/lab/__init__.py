"""An app whose tasks leave something behind, can be held up, and fail."""
