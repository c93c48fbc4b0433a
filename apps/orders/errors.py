from project.errors import Invalid, NotFound


class OrderNotFound(NotFound):
    code = "order_not_found"
    title = "There is no such order, or it is not yours"


class OrderTooLarge(Invalid):
    code = "order_too_large"
    title = "An order's total has at most twelve digits before the point"


class IdempotencyKeyReused(Invalid):
    code = "idempotency_key_reused"
    title = "This Idempotency-Key belongs to an order with other lines; use a new one"
