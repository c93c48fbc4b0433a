from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from apps.items.errors import NotItemOwner
from apps.items.models import Item
from apps.items.queries import get_item
from project.runtime import runtime_of
from project.storage import Storage
from project.web.access import permits
from project.web.costs import note_user
from project.web.permissions import is_permitted
from project.web.principal import (
    Claims,
    CurrentPrincipal,
    Principal,
    authenticator_of,
    verified_claims,
)
from project.web.schemas import PathId
from project.web.transaction import DbSession, InTransaction, InTransactions, Transactions

T = TypeVar("T")


async def _storage(request: Request) -> Storage:
    return runtime_of(request).storage


Files = Annotated[Storage, Depends(_storage)]
"""Where the pictures are kept."""


CHANGE, DELETE = "items.change_item", "items.delete_item"


@permits("owner", "staff", CHANGE)
def changeable_item(session: DbSession, principal: CurrentPrincipal, item_id: PathId) -> Item:
    """Lock the item in the path for whoever may change it. Raises NotItemOwner."""
    return _lock_for(session, principal, item_id, CHANGE)


ChangeableItem = Annotated[Item, InTransaction(changeable_item)]
"""The item in the path, locked, if the one who asks may change it."""


@permits("owner", "staff", DELETE)
def deletable_item(session: DbSession, principal: CurrentPrincipal, item_id: PathId) -> Item:
    """Lock the item in the path for whoever may delete it. Raises NotItemOwner."""
    return _lock_for(session, principal, item_id, DELETE)


DeletableItem = Annotated[Item, InTransaction(deletable_item)]
"""The item in the path, locked, if the one who asks may delete it."""


@dataclass(frozen=True)
class ItemChange:
    """The item in the path for an `async def` route, which locks it once for each hop."""

    request: Request
    transactions: Transactions
    claims: Claims
    item_id: int

    async def run(self, work: Callable[[Session, Item], T]) -> T:
        """Call `work(session, item)` in a transaction, if the one who asks may change it."""
        return await self.transactions.run(self._lock_and_run, work)

    async def check(self) -> None:
        """Refuse whoever may not change the item. Raises NotItemOwner and ItemNotFound."""
        await self.run(lambda _session, _item: None)

    def _lock_and_run(self, session: Session, work: Callable[[Session, Item], T]) -> T:
        authenticator = authenticator_of(runtime_of(self.request))
        principal = authenticator.load_principal(session, self.claims)
        note_user(principal.id)
        return work(session, _lock_for(session, principal, self.item_id, CHANGE))


@permits("owner", "staff", CHANGE)
async def _item_change(
    request: Request,
    transactions: InTransactions,
    claims: Annotated[Claims, Depends(verified_claims)],
    item_id: PathId,
) -> ItemChange:
    return ItemChange(request, transactions, claims, item_id)


ChangeOfItem = Annotated[ItemChange, Depends(_item_change)]
"""For an `async def` route: the same item, in as many transactions as the route needs."""


def _lock_for(session: Session, principal: Principal, item_id: int, permission: str) -> Item:
    """Lock an item for its owner, for staff, and for whoever holds the permission."""
    item = get_item(session, item_id, for_update=True)
    if not (item.owner_id == principal.id or is_permitted(principal, permission)):
        raise NotItemOwner
    return item
