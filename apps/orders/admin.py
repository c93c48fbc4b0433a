"""Orders to look at and to cancel. They are placed through the API."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import ClassVar

from sqlalchemy.orm import Session

from apps.items.queries import lock_offers
from apps.orders import queries, services
from apps.orders.models import CANCELLED, PLACED, Order, OrderLine
from project.admin.actions import Refused, action
from project.admin.dashboard.panels import DailyPlot
from project.admin.objects.inline import Inline
from project.admin.recording import Actor
from project.admin.views import ModelAdmin, Values
from project.i18n import gettext, noun


class OrderLineInline(Inline, model=OrderLine):
    """What was bought, to look at."""

    name, name_plural = "Line", "Lines"
    can_create = can_edit = can_delete = False
    form_columns = ("item", OrderLine.name, OrderLine.unit_price, OrderLine.quantity)
    readonly_fields = ("line_total",)
    column_labels: ClassVar = {
        "name": "Name then",
        "unit_price": "Price then",
        "line_total": "Total",
    }


class OrderAdmin(ModelAdmin, model=Order):
    can_create = can_edit = can_delete = False
    inlines = (OrderLineInline,)
    column_list = (Order.id, "user", Order.status, Order.total, Order.created_at)
    column_searchable_list = ("=id", "^user.email")
    column_sortable_list = (Order.id, Order.total, Order.created_at)
    column_default_sort = (Order.created_at, True)
    column_choices: ClassVar = {"status": {PLACED: "Placed", CANCELLED: "Cancelled"}}
    list_filter = (Order.status, "user", Order.total)
    date_hierarchy = Order.created_at
    column_details_list = (*column_list, Order.updated_at)
    column_labels: ClassVar = {
        "user": "Customer",
        "created_at": "Placed",
        "updated_at": "Last change",
    }
    actions = ("cancel",)
    can_export = True

    @action(
        label="Cancel orders",
        confirm="What was ordered goes back into stock. This cannot be undone.",
        button=("Cancel the order", "Cancel the orders"),
        applies=lambda order: order.status == PLACED,
    )
    def cancel(
        self,
        session: Session,
        actor: Actor,  # noqa: ARG002 - anybody who may change orders
        rows: Sequence[Order],
        values: Values,  # noqa: ARG002 - no form
    ) -> int:
        over = [_is_already(order) for order in rows if order.status != PLACED]
        if over:
            raise Refused(*over)
        orders = queries.load_lines(session, rows)
        # All at once: one order after the other would lock items out of their order.
        lock_offers(session, {line.item_id for order in orders for line in order.lines})
        for order in orders:
            services.cancel_order(session, order=order)
        return len(rows)


def _is_already(order: Order) -> str:
    status = noun(gettext(OrderAdmin.column_choices["status"][order.status]))
    return gettext("%(order)s is %(status)s already.", order=order, status=status)


class OrderLineAdmin(ModelAdmin, model=OrderLine):
    can_create = can_edit = can_delete = False
    column_list = (
        OrderLine.id,
        "order",
        "item",
        OrderLine.name,
        OrderLine.unit_price,
        OrderLine.quantity,
    )
    can_export = True
    column_searchable_list = ("=order_id", "^name")
    list_filter = ("item",)
    column_sortable_list = (OrderLine.id, OrderLine.unit_price, OrderLine.quantity)
    column_default_sort = (OrderLine.id, True)
    column_details_list = column_list
    column_labels: ClassVar = {"name": "Name then", "unit_price": "Price then"}


Sales = Mapping[date, tuple[int, Decimal]]


def _sales(session: Session, since: date) -> Sales:
    """Read the sales once for both panels, which a page shows in one transaction."""
    key = ("orders.sales", since, session.get_transaction())
    if session.info.get("orders.sales", (None, None))[0] != key:
        session.info["orders.sales"] = key, queries.sales_by_day(session, since=since)
    sales: Sales = session.info["orders.sales"][1]
    return sales


class Orders(DailyPlot):
    title, permission = "Orders", "orders.view_order"

    def daily(self, session: Session, since: date) -> Mapping[date, int]:
        sales = _sales(session, since)
        return {day: count for day, (count, _) in sales.items()}


class Revenue(DailyPlot):
    title, permission = "Revenue", "orders.view_order"

    def daily(self, session: Session, since: date) -> Mapping[date, Decimal]:
        sales = _sales(session, since)
        return {day: total for day, (_, total) in sales.items()}


panels = (Orders(), Revenue())
views = (OrderAdmin, OrderLineAdmin)
