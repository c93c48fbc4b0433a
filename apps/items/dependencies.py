from typing import Annotated

from apps.items.errors import NotItemOwner
from apps.items.models import Item
from apps.items.queries import get_item
from project.web.principal import CurrentPrincipal
from project.web.schemas import PathId
from project.web.transaction import DbSession, InTransaction


def changeable_item(session: DbSession, principal: CurrentPrincipal, item_id: PathId) -> Item:
    """Lock the item in the path for its owner or for staff. Raises NotItemOwner."""
    item = get_item(session, item_id, for_update=True)
    if not (item.owner_id == principal.id or principal.is_staff or principal.is_superuser):
        raise NotItemOwner
    return item


ChangeableItem = Annotated[Item, InTransaction(changeable_item)]
"""The item in the path, locked, if the one who asks may change it."""
