from collections.abc import Sequence
from typing import Any, ClassVar

from sqlalchemy import Select, any_, func, select
from sqlalchemy.orm import Session
from wtforms import Field, Form, IntegerField, ValidationError
from wtforms.validators import InputRequired, NumberRange

from apps.items import services
from apps.items.errors import NameMissing
from apps.items.models import MAXIMUM_STOCK, Item
from apps.items.search import parse_words
from project.admin.actions import action
from project.admin.recording import Actor
from project.admin.views import ModelAdmin, Values
from project.i18n import gettext


class StockForm(Form):  # type: ignore[misc]  # WTForms is untyped
    stock = IntegerField("Stock", validators=[InputRequired(), NumberRange(0, MAXIMUM_STOCK)])


def _check_name(form: Form, field: Field) -> None:  # noqa: ARG001 - WTForms passes both
    if not (field.data or "").strip():  # the service's rule, beside the form's other mistakes
        raise ValidationError(f"{gettext(NameMissing.title)}.")


class ItemAdmin(ModelAdmin, model=Item):
    column_list = (Item.id, Item.name, Item.price, Item.stock, "owner", Item.created_at)
    column_searchable_list = (Item.name, Item.description)
    column_sortable_list = (Item.id, Item.name, Item.price, Item.stock, Item.created_at)
    column_default_sort = (Item.created_at, True)
    list_filter = ("owner", Item.price, Item.stock)
    date_hierarchy = Item.created_at
    column_details_list = (
        Item.id,
        Item.name,
        Item.description,
        Item.price,
        Item.stock,
        "owner",
        Item.created_at,
        Item.updated_at,
    )
    column_labels: ClassVar = {"created_at": "Created", "updated_at": "Last change"}
    form_columns = (Item.name, Item.description, Item.price, Item.stock, "owner")
    form_args: ClassVar = {
        "name": {"validators": [_check_name]},
    }
    actions = ("set_stock",)
    list_editable = (Item.price, Item.stock)
    can_export = can_import = True
    form_ajax_refs: ClassVar = {"owner": {"fields": ("email",), "order_by": "email"}}

    def create_row(self, session: Session, values: Values) -> Item:
        return services.create_item(session, **values)

    def create_rows(self, session: Session, values: Sequence[Values]) -> Sequence[Item]:
        return services.create_items(session, items=values)

    def update_row(self, session: Session, row: Item, values: Values) -> None:
        services.update_item(session, item=row, **values)

    def delete_row(self, session: Session, row: Item) -> None:
        services.delete_item(session, item=row, files=self.runtime.storage)

    @action(label="Set stock to…", form=StockForm)
    def set_stock(
        self,
        session: Session,
        actor: Actor,  # noqa: ARG002 - anybody who may change items
        rows: Sequence[Item],
        values: Values,
    ) -> int:
        for item in rows:
            services.update_item(session, item=item, stock=values["stock"])
        return len(rows)

    def search_query(self, stmt: Select[Any], term: str) -> Select[Any]:
        # Whole words through the index, as the API does. The words are hidden in a subquery and
        # what matches in an array, because otherwise the planner may walk the whole table in
        # the order of the list, hoping to meet enough matches on the way.
        words = select(parse_words(term)).scalar_subquery()
        matches = select(Item.id).where(Item.search.bool_op("@@")(words))
        return stmt.where(Item.id == any_(func.array(matches.scalar_subquery())))


views = (ItemAdmin,)
