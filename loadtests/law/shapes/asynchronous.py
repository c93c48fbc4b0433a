"""(b) Async sessions as tutorials teach them.

asyncpg, `async_sessionmaker(expire_on_commit=False, autoflush=False)`, an async generator
dependency that rolls back on errors and closes, a service class around the session, requests
logged by a `BaseHTTPMiddleware`.
"""

import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Annotated

import jwt
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.security import OAuth2PasswordBearer
from sqlalchemy import make_url, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from starlette.middleware.base import BaseHTTPMiddleware

from loadtests.law.shapes import ALGORITHM, POOL_SIZE, SECRET
from loadtests.law.shapes.documented import Item, ItemCreate, ItemList, ItemRead, User

logging.basicConfig(level=logging.INFO)
logger = logging.getLogger("requests")

url = make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql+asyncpg")
engine = create_async_engine(
    url.difference_update_query(["application_name"]),
    connect_args={"server_settings": {"application_name": url.query["application_name"]}},
    pool_size=POOL_SIZE,
    max_overflow=0,
    pool_pre_ping=True,
)
AsyncSessionLocal = async_sessionmaker(engine, expire_on_commit=False, autoflush=False)


async def get_session() -> AsyncIterator[AsyncSession]:
    async with AsyncSessionLocal() as session:
        try:
            yield session
        except Exception:
            await session.rollback()
            raise
        finally:
            await session.close()


SessionDep = Annotated[AsyncSession, Depends(get_session)]
TokenDep = Annotated[str, Depends(OAuth2PasswordBearer(tokenUrl="token"))]


class ItemService:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def get(self, item_id: int) -> Item | None:
        result = await self.session.execute(select(Item).where(Item.id == item_id))
        return result.scalar_one_or_none()

    async def list(self, limit: int) -> Sequence[Item]:
        result = await self.session.execute(select(Item).order_by(Item.id).limit(limit))
        return result.scalars().all()

    async def create(self, owner_id: int, body: ItemCreate) -> Item:
        item = Item(owner_id=owner_id, **body.model_dump())
        self.session.add(item)
        await self.session.commit()
        await self.session.refresh(item)
        return item


async def get_service(session: SessionDep) -> ItemService:
    return ItemService(session)


async def get_current_user(session: SessionDep, token: TokenDep) -> User:
    try:
        claims = jwt.decode(token, SECRET, algorithms=[ALGORITHM])
    except jwt.PyJWTError as error:
        raise HTTPException(401, "Could not validate credentials") from error
    result = await session.execute(select(User).where(User.id == int(claims["sub"])))
    user = result.scalar_one_or_none()
    if user is None or not user.is_active:
        raise HTTPException(401, "User not found")
    return user


ServiceDep = Annotated[ItemService, Depends(get_service)]
CurrentUser = Annotated[User, Depends(get_current_user)]


class LogRequests(BaseHTTPMiddleware):
    async def dispatch(
        self, request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        started = time.perf_counter()
        response = await call_next(request)
        duration = (time.perf_counter() - started) * 1000
        logger.info(
            "%s %s %d %.1f ms", request.method, request.url.path, response.status_code, duration
        )
        return response


app = FastAPI()
app.add_middleware(LogRequests)


@app.get("/items/{item_id}", response_model=ItemRead)
async def read_item(service: ServiceDep, user: CurrentUser, item_id: int) -> Item:
    item = await service.get(item_id)
    if item is None:
        raise HTTPException(404, "Item not found")
    return item


@app.get("/items", response_model=ItemList)
async def list_items(service: ServiceDep, user: CurrentUser, limit: int = 20) -> dict[str, object]:
    return {"items": await service.list(limit)}


@app.post("/items", response_model=ItemRead, status_code=201)
async def create_item(service: ServiceDep, user: CurrentUser, body: ItemCreate) -> Item:
    return await service.create(user.id, body)
