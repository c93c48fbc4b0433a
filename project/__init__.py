"""The machinery. It knows no app and owns no table; the product lives in `apps/`."""

__version__ = "0.1.0"
