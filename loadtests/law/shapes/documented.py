"""(a) Sync sessions as FastAPI's documentation and its official template teach them.

A session from a `yield` dependency, the current user looked up by another dependency, `def`
endpoints, a response model. Without the template's access log, which would only slow it down.
"""

import os
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Annotated

import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer
from pydantic import BaseModel, ConfigDict
from sqlalchemy import DateTime, Numeric, create_engine, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from loadtests.law.shapes import ALGORITHM, POOL_SIZE, SECRET

engine = create_engine(
    os.environ["DATABASE_URL"], pool_size=POOL_SIZE, max_overflow=0, pool_pre_ping=True
)
SessionLocal = sessionmaker(bind=engine, autoflush=False)


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users_user"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str]
    full_name: Mapped[str]
    is_active: Mapped[bool]
    is_staff: Mapped[bool]
    is_superuser: Mapped[bool]


class Item(Base):
    __tablename__ = "items_item"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    description: Mapped[str]
    price: Mapped[Decimal] = mapped_column(Numeric(12, 2))
    stock: Mapped[int]
    owner_id: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class ItemCreate(BaseModel):
    name: str
    description: str = ""
    price: Decimal
    stock: int = 0


class ItemRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    description: str
    price: Decimal
    stock: int
    owner_id: int
    created_at: datetime
    updated_at: datetime


class ItemList(BaseModel):
    items: list[ItemRead]


def get_db() -> Iterator[Session]:
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


SessionDep = Annotated[Session, Depends(get_db)]
TokenDep = Annotated[str, Depends(OAuth2PasswordBearer(tokenUrl="token"))]


def get_current_user(session: SessionDep, token: TokenDep) -> User:
    try:
        claims = jwt.decode(token, SECRET, algorithms=[ALGORITHM])
    except jwt.PyJWTError as error:
        raise HTTPException(403, "Could not validate credentials") from error
    user = session.get(User, int(claims["sub"]))
    if user is None or not user.is_active:
        raise HTTPException(404, "User not found")
    return user


CurrentUser = Annotated[User, Depends(get_current_user)]
app = FastAPI()


@app.get("/items/{item_id}", response_model=ItemRead)
def read_item(session: SessionDep, user: CurrentUser, item_id: int) -> Item:
    item = session.get(Item, item_id)
    if item is None:
        raise HTTPException(404, "Item not found")
    return item


@app.get("/items", response_model=ItemList)
def list_items(session: SessionDep, user: CurrentUser, limit: int = 20) -> dict[str, object]:
    return {"items": session.scalars(select(Item).order_by(Item.id).limit(limit)).all()}


@app.post("/items", response_model=ItemRead, status_code=201)
def create_item(session: SessionDep, user: CurrentUser, body: ItemCreate) -> Item:
    item = Item(owner_id=user.id, **body.model_dump())
    session.add(item)
    session.commit()
    session.refresh(item)
    return item
