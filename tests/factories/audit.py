import factory

from apps.audit.models import Change
from tests.factories.base import Factory


class ChangeFactory(Factory):
    """Somebody changed the name of something."""

    class Meta:
        model = Change

    actor_id = 1
    actor_label = "ada@example.com"
    action = "change"
    model = "shop.thing"
    object_id = factory.Sequence(str)
    object_label = "Thing"
    changes = factory.LazyFunction(lambda: {"name": ["Old", "New"]})
