from collections.abc import AsyncIterator
from typing import Any

from fastapi import Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from apps.orders import queries, services
from apps.orders.api.schemas import OrderCreate, OrderEvent, OrderRead
from apps.orders.dependencies import ChangeableOrder, RetryKey, VisibleOrder, WatchedOrder
from apps.orders.idempotency import Answer, claim_key, keep_answer
from apps.orders.queries import ORDER_STATUS
from project.runtime import runtime_of
from project.web.pagination import DEFAULT_LIMIT, Cursor, Limit, Page
from project.web.principal import CurrentPrincipal, StreamSeconds
from project.web.route import Router
from project.web.streaming import reconnect_delay
from project.web.transaction import DbSession

router = Router(prefix="/orders", tags=["orders"])

REPLAYED = "Idempotency-Replayed"
CREATED = 201
CREATED_RESPONSE: dict[str, Any] = {
    "headers": {
        REPLAYED: {
            "description": "`true` on the answer of an earlier attempt with the same key.",
            "schema": {"type": "string"},
        }
    }
}


@router.post(
    "/", status_code=CREATED, response_model=OrderRead, responses={CREATED: CREATED_RESPONSE}
)
def place_order(
    session: DbSession,
    principal: CurrentPrincipal,
    body: OrderCreate,
    idempotency_key: RetryKey = None,
) -> OrderRead | Response:
    """Order items: all lines or none, each item in one line.

    409 `out_of_stock` if there is not enough of an item, 422 `unknown_item` if there is none.

    With an `Idempotency-Key` the request can be sent again without ordering twice: whoever
    sends the same lines under the same key within a day gets the first answer again, with the
    header `Idempotency-Replayed: true`. Other lines under that key are refused (422
    `idempotency_key_reused`). Only success is remembered: after an error the same key tries anew.
    """
    quantities = {line.item_id: line.quantity for line in body.lines}
    if idempotency_key is None:
        order = services.place_order(session, user_id=principal.id, quantities=quantities)
        return OrderRead.model_validate(order)
    claim = claim_key(session, user_id=principal.id, key=idempotency_key, quantities=quantities)
    if claim.answer is not None:
        return _respond(claim.answer, {REPLAYED: "true"})
    order = services.place_order(session, user_id=principal.id, quantities=quantities)
    answer = Answer(CREATED, OrderRead.model_validate(order).model_dump_json())
    keep_answer(session, claim=claim, answer=answer)
    return _respond(answer)


@router.get("/")
def list_orders(
    session: DbSession,
    principal: CurrentPrincipal,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[OrderRead]:
    """Your own orders, newest first."""
    page = queries.list_orders(session, user_id=principal.id, limit=limit, cursor=cursor)
    return Page[OrderRead].model_validate({"items": page.rows, "next_cursor": page.next_cursor})


@router.get("/{order_id}")
def read_order(order: VisibleOrder) -> OrderRead:
    """One order: your own, or any for staff and for whoever holds `orders.view_order`."""
    return OrderRead.model_validate(order)


@router.post("/{order_id}/cancel")
def cancel_order(session: DbSession, order: ChangeableOrder) -> OrderRead:
    """Cancel an order and give its stock back.

    For whoever placed it, for staff, and for whoever holds `orders.change_order`.

    An order that is cancelled already is answered as it is, so the request can be sent again.
    """
    return OrderRead.model_validate(services.cancel_order(session, order=order))


@router.get("/{order_id}/events", response_class=EventSourceResponse)
async def follow_order(
    request: Request, order_id: WatchedOrder, seconds: StreamSeconds
) -> AsyncIterator[ServerSentEvent]:
    """Follow an order's status: the present one at once, then each change.

    Each is an `event: status` whose `data` is `{"id": …, "status": …}`. Who reads too slowly gets
    the latest status and may miss one in between. A comment comes every 15 seconds of silence.

    The stream ends after ten minutes at most, and not later than the access token: connect again
    with a fresh one, after the milliseconds in `retry`. The first event then is the present
    status, so nothing is missed for good.
    """
    retry = reconnect_delay()
    feeds = runtime_of(request).feeds
    async with feeds.watch(ORDER_STATUS, order_id, seconds=seconds) as statuses:
        async for status in statuses:
            event = OrderEvent.model_validate({"id": order_id, "status": status})
            yield ServerSentEvent(event="status", data=event, retry=retry)


def _respond(answer: Answer, headers: dict[str, str] | None = None) -> Response:
    return Response(answer.body, answer.status, headers, media_type="application/json")
