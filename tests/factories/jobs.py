import factory

from apps.jobs.models import Job
from tests.factories.base import Factory


class JobFactory(Factory):
    """A job that waits for a worker."""

    class Meta:
        model = Job

    task_name = "shop.send_welcome"
    queue_name = "default"
    status = "todo"
    args = factory.LazyFunction(
        lambda: {"arguments": {"email": "ada@example.com"}, "request_id": "request-7"}
    )

    class Params:
        broken = factory.Trait(
            status="failed",
            attempts=3,
            args={"arguments": {"email": "ada@example.com"}, "error": "ValueError: in vain"},
        )
