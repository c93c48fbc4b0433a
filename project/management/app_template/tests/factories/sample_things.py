import factory

from apps.sample_things.models import SampleThing
from tests.factories.base import Factory
from tests.factories.users import UserFactory


class SampleThingFactory(Factory):
    class Meta:
        model = SampleThing

    title = factory.Sequence(lambda number: f"Title {number}")
    owner = factory.SubFactory(UserFactory)
