"""Routes that ask for a permission say so in their signature.

    ItemEditor = Annotated[Principal, Requires("items.change_item")]

    @router.post("/{item_id}/publish")
    def publish_item(session: DbSession, editor: ItemEditor, item_id: PathId) -> ItemRead: ...

A name that no installed app has is refused when the application is built.
"""

from functools import cache

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from project.errors import PermissionDenied
from project.permissions import Permissions
from project.web.access import permits
from project.web.principal import CurrentPrincipal, Principal
from project.web.transaction import Call, Function, InTransaction

ATTRIBUTE = "__permission__"


class Requires(InTransaction):
    """Marks an argument: who asks, if they hold the permission; 403 for others who signed in.

    With `or_staff` it is for every member of staff, too, whatever they hold.
    """

    def __init__(self, permission: str, *, or_staff: bool = False) -> None:
        super().__init__(_holder_of(permission, or_staff=or_staff))


def is_permitted(principal: Principal, permission: str) -> bool:
    """Whether it is for this person: a member of staff, or one who holds the permission."""
    return principal.is_staff or principal.has_permission(permission)


def _holds(principal: Principal, permission: str) -> bool:
    return principal.has_permission(permission)


@cache  # the same question is the same provider, which a request runs once
def _holder_of(permission: str, *, or_staff: bool) -> Function:
    def permitted(principal: CurrentPrincipal) -> Principal:
        if not (is_permitted if or_staff else _holds)(principal, permission):
            raise PermissionDenied(permission)
        return principal

    setattr(permitted, ATTRIBUTE, permission)
    return permits(*(("staff",) if or_staff else ()), permission)(permitted)


def refuse_unknown_permissions(app: FastAPI, permissions: Permissions) -> None:
    """Raise AppError for a route that asks for a permission which no installed app has."""
    for context in iter_route_contexts(app.routes):
        call: Call | None = getattr(context.original_route, "call", None)
        for provider in call.all_providers() if call is not None else ():
            name = getattr(provider, ATTRIBUTE, None)
            if name is not None:
                permissions.require(name, f"The route {context.path}")
