from decimal import Decimal

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from apps.items.models import Item
from apps.items.services import create_item, delete_item, update_item
from project.runtime import Runtime
from tests.factories.items import ItemFactory
from tests.factories.users import UserFactory


def test_create_item(session: Session) -> None:
    owner = UserFactory()
    item = create_item(session, owner_id=owner.id, name="Mug", price=Decimal("18.5"), stock=3)
    assert (item.id > 0, item.created_at == item.updated_at) == (True, True)
    assert (str(item), item.description, item.stock) == ("Mug", "", 3)


@pytest.mark.parametrize(
    ("given", "stored"), [("18.5", "18.50"), ("1E+3", "1000.00"), ("-0", "0.00"), ("7", "7.00")]
)
def test_price_has_two_decimals_at_once(session: Session, given: str, stored: str) -> None:
    owner = UserFactory()
    item = create_item(session, owner_id=owner.id, name="Mug", price=Decimal(given))
    assert str(item.price) == stored
    session.refresh(item)
    assert str(item.price) == stored


@pytest.mark.parametrize("values", [{"price": Decimal("-0.01")}, {"stock": -1}])
def test_database_refuses_negative_numbers(session: Session, values: dict[str, object]) -> None:
    with pytest.raises(IntegrityError, match="not_negative"):
        ItemFactory(**values)


def test_update_changes_what_is_given(session: Session, statements: list[str]) -> None:
    item = ItemFactory(name="Mug", stock=3)
    statements.clear()
    update_item(session, item=item, name="Cup")
    assert (item.name, item.stock) == ("Cup", 3)
    assert item.updated_at >= item.created_at
    assert len(statements) == 1  # updated_at came with the UPDATE


def test_update_with_nothing_asks_nothing(session: Session, statements: list[str]) -> None:
    item = ItemFactory()
    statements.clear()
    update_item(session, item=item)
    assert statements == []


def test_delete_item(session: Session, runtime: Runtime) -> None:
    item = ItemFactory()
    delete_item(session, item=item, files=runtime.storage)
    assert session.get(Item, item.id) is None


def test_seller_with_items_cannot_be_deleted(session: Session) -> None:
    item = ItemFactory()
    session.delete(item.owner)
    with pytest.raises(IntegrityError, match="fk_items_item_owner_id_users_user"):
        session.flush()
