import secrets
from datetime import UTC, datetime, timedelta

import factory

from apps.throttling.models import KEY_BYTES, Bucket
from tests.factories.base import Factory


class BucketFactory(Factory):
    """A bucket that will be empty in a minute."""

    class Meta:
        model = Bucket

    class Params:
        seconds = 60

    key = factory.LazyFunction(lambda: secrets.token_bytes(KEY_BYTES))
    empty_at = factory.LazyAttribute(lambda o: datetime.now(UTC) + timedelta(seconds=o.seconds))
