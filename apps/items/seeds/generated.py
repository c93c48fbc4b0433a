"""A catalogue of any size, the same for the same seed.

Words are as unevenly spread as in real shops: some stand in half of all items, most in few,
and every item has a model number of its own.
"""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy.orm import Session

from apps.items.models import Item
from apps.users.queries import find_user_by_email
from apps.users.services import create_user
from project.db.bulk import load_rows

SELLERS = 20
CHUNK = 2_000
OPENED = datetime(2020, 1, 1, tzinfo=UTC)
OPEN_FOR = timedelta(days=5 * 365)
COLUMNS = ("name", "description", "price", "stock", "owner_id", "created_at", "updated_at")


def _words(text: str) -> list[str]:
    return text.split()


MANNERS = _words(
    "Classic Modern Rustic Compact Tall Low Wide Slim Round Square Oval Folding Stacking "
    "Hanging Portable Sturdy Light Heavy Soft Curved Plain Striped Painted Polished Brushed"
)
MATERIALS = _words(
    "oak walnut cherry beech birch ash cedar maple pine bamboo linen cotton wool jute leather "
    "canvas felt brass copper steel iron glass stoneware porcelain terracotta marble slate cork"
)
THINGS = _words(
    "lamp desk chair shelf mug bowl plate vase rug pillow blanket clock mirror basket kettle "
    "knife board stool bench frame tray box jar teapot candle planter bottle brush broom hook "
    "ladder rack chest cabinet table bed sofa armchair curtain towel apron napkin coaster "
    "doorstop doormat doorbell lantern notebook pencil pen inkwell ruler folder bookend globe"
)
QUALITIES = _words(
    "handmade durable washable repairable stackable adjustable waterproof weatherproof "
    "lightweight foldable dimmable recycled organic refillable heirloom limited vintage signed"
)
PLACES = _words(
    "kitchen bedroom hallway garden balcony study bathroom nursery workshop office library "
    "terrace pantry attic cellar porch greenhouse boathouse"
)
SYLLABLES = _words("ba ke lo mi tu ra se no vi da pel gor tin mas fen hal wick ton dor ley")


def bulk(session: Session, *, count: int, progress: Callable[[int], None], seed: int = 20) -> None:
    """Generate `count` items; `progress` hears how many there are so far."""
    sellers = [_seller(session, number) for number in range(SELLERS)]
    lines = _lines(random.Random(seed), count, sellers)  # noqa: S311 - nothing secret
    load_rows(session, Item, COLUMNS, _chunks(lines, count, progress), count=count)


def _seller(session: Session, number: int) -> int:
    email = f"seller{number}@example.com"
    seller = find_user_by_email(session, email) or create_user(
        session, email=email, password_hash=None, full_name=f"Seller {number}"
    )
    return seller.id


def _chunks(lines: Iterator[str], count: int, progress: Callable[[int], None]) -> Iterator[str]:
    """Join lines, because the driver takes one large string faster than many small ones."""
    for done in range(0, count, CHUNK):
        yield "".join(islice(lines, CHUNK))
        progress(min(done + CHUNK, count))


def _lines(rng: random.Random, count: int, sellers: list[int]) -> Iterator[str]:
    """Write one row after the other in COPY's text format; no word needs escaping."""
    towns = _towns(rng)
    step = OPEN_FOR / count
    draw = rng.random
    for number in range(count):
        thing = _often_first(THINGS, draw(), 1.5)
        material = _often_first(MATERIALS, draw(), 1.5)
        manner = MANNERS[int(draw() * len(MANNERS))]
        name = f"{manner} {material} {thing}"
        description = (
            f"A {_often_first(QUALITIES, draw(), 3)} and {_often_first(QUALITIES, draw(), 2)} "
            f"{thing} for the {_often_first(PLACES, draw(), 1.5)}, "
            f"from {_often_first(towns, draw(), 6)}. Model LX{number:07d}."
        )
        cents = int(500 * 2000 ** draw())  # 5 to 10,000, as many cheap ones as dear ones
        stock = max(0, int(draw() * 220) - 18)
        seller = _often_first(sellers, draw(), 2)
        moment = OPENED + step * number
        yield (
            f"{name}\t{description}\t{cents // 100}.{cents % 100:02d}\t{stock}\t{seller}\t"
            f"{moment}\t{moment}\n"
        )


def _towns(rng: random.Random) -> list[str]:
    names = {"".join(rng.choices(SYLLABLES, k=3)).title() for _ in range(20_000)}
    return sorted(names)


def _often_first(choices: list[Any], chance: float, skew: float) -> Any:
    """Pick one; the larger the skew, the more often one of the first."""
    return choices[int(len(choices) * chance**skew)]
