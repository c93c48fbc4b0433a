from sqlalchemy.orm import Session

from apps.sample_things import services
from apps.sample_things.models import SampleThing
from project.admin.views import ModelAdmin, Values


class SampleThingAdmin(ModelAdmin, model=SampleThing):
    name_plural = "Sample things"
    column_list = (SampleThing.id, SampleThing.title, "owner", SampleThing.created_at)
    column_searchable_list = (SampleThing.title,)
    column_sortable_list = (SampleThing.id, SampleThing.title)
    column_default_sort = (SampleThing.id, True)
    form_columns = (SampleThing.title, "owner")

    def create_row(self, session: Session, values: Values) -> SampleThing:
        return services.create_sample_thing(session, **values)

    def update_row(self, session: Session, row: SampleThing, values: Values) -> None:
        services.update_sample_thing(session, sample_thing=row, **values)

    def delete_row(self, session: Session, row: SampleThing) -> None:
        services.delete_sample_thing(session, sample_thing=row)


views = (SampleThingAdmin,)
