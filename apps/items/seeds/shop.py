"""Alder & Ash, a small shop for things made by hand."""

# ruff: noqa: E501 - a ware is a line

from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from apps.items.models import Item
from apps.items.services import create_item
from apps.users.models import User
from apps.users.queries import find_user_by_email
from apps.users.services import create_user

SELLER_EMAIL = "shop@example.com"
SELLER_NAME = "Alder & Ash"


class Ware(NamedTuple):
    """What the shop knows of an item."""

    name: str
    price: str
    stock: int
    description: str


WARES = (
    Ware(
        "Walnut desk lamp",
        "129.00",
        14,
        "A jointed arm of oiled walnut, a linen cord and a warm LED that dims down to candlelight.",
    ),
    Ware(
        "Oak reading chair",
        "540.00",
        3,
        "Steam-bent oak with a seat of woven paper cord. Sits lower than a dining chair, on purpose.",
    ),
    Ware(
        "Stoneware mug",
        "18.50",
        120,
        "Thrown in Devon, glazed in speckled white. Holds 300 ml and goes into the dishwasher.",
    ),
    Ware(
        "Stoneware teapot",
        "64.00",
        22,
        "The mug's elder sister: 1.1 litres, a drip-free spout and a strainer that lifts out.",
    ),
    Ware(
        "Linen apron",
        "42.00",
        37,
        "Cross-back, so nothing ties at the neck. Two deep pockets; softer with every wash.",
    ),
    Ware(
        "Cast-iron skillet, 26 cm",
        "79.00",
        18,
        "Seasoned twice with flaxseed oil and smooth enough for eggs. Works on induction.",
    ),
    Ware(
        "Cherry cutting board",
        "58.00",
        41,
        "End grain, 40 by 28 cm, with rubber feet. Kind to knives and easy to turn over.",
    ),
    Ware(
        "Chef's knife, 20 cm",
        "145.00",
        9,
        "High-carbon steel with a stabilised maple handle. Sharpened by hand before it leaves.",
    ),
    Ware(
        "Bread knife",
        "98.00",
        0,
        "Wide scallops that saw through a crust without tearing the crumb.",
    ),
    Ware(
        "Copper kettle", "165.00", 6, "Tin-lined copper with a beech handle. Whistles in two notes."
    ),
    Ware(
        "Pour-over coffee dripper",
        "34.00",
        55,
        "Porcelain cone for two cups; takes the usual number 2 filters.",
    ),
    Ware(
        "Hand coffee grinder",
        "118.00",
        12,
        "Steel burrs, 38 clicks from espresso to French press, and quiet at six in the morning.",
    ),
    Ware(
        "Glass storage jar, 1 l",
        "16.00",
        90,
        "Borosilicate glass with a cork lid. Stacks, and survives the freezer.",
    ),
    Ware(
        "Set of four linen napkins",
        "36.00",
        48,
        "Washed European linen in flax, with mitred corners.",
    ),
    Ware(
        "Olive wood salad servers",
        "29.00",
        26,
        "Cut from pruned branches, so no two grains are alike.",
    ),
    Ware(
        "Wool blanket, herringbone",
        "149.00",
        16,
        "Woven from Shetland wool in grey and oat, 140 by 200 cm.",
    ),
    Ware(
        "Goose down pillow",
        "89.00",
        24,
        "Medium loft with a cotton cover. Can be opened and refilled.",
    ),
    Ware(
        "Sheepskin rug", "135.00", 8, "Long-haired, from rare-breed sheep, tanned with mimosa bark."
    ),
    Ware("Jute doormat", "32.00", 63, "Braided, 45 by 75 cm. Takes mud, gives it back outdoors."),
    Ware(
        "Cedar shoe rack", "76.00", 11, "Three slatted shelves that keep moths away by scent alone."
    ),
    Ware(
        "Brass coat hooks, pair",
        "38.00",
        45,
        "Sand-cast, unlacquered, and ready to darken with use. Screws included.",
    ),
    Ware(
        "Round wall mirror, 60 cm",
        "185.00",
        7,
        "Bevelled glass in a slim oak frame with a hidden hanger.",
    ),
    Ware(
        "Mechanical wall clock",
        "260.00",
        4,
        "An eight-day movement you wind on Sundays. Ticks softly; no chime.",
    ),
    Ware(
        "Beeswax candles, six",
        "24.00",
        80,
        "Hand-dipped, 25 cm. They burn for seven hours and smell of honey.",
    ),
    Ware(
        "Ceramic planter, tall",
        "72.00",
        13,
        "Frost-proof, with a drainage hole and a saucer that fits.",
    ),
    Ware(
        "Watering can, 1.5 l",
        "48.00",
        29,
        "Powder-coated steel with a long spout for the plants at the back.",
    ),
    Ware("Secateurs", "54.00", 33, "Forged blades and a sap groove. Every part can be replaced."),
    Ware(
        "Garden trowel",
        "27.00",
        50,
        "Carbon steel on an ash handle, with depths marked in centimetres.",
    ),
    Ware("Canvas tool roll", "45.00", 20, "Waxed cotton with twelve pockets and a leather strap."),
    Ware(
        "Leather notebook, A5",
        "39.00",
        70,
        "Refillable cover in vegetable-tanned leather with 192 dotted pages that lie flat.",
    ),
    Ware(
        "Fountain pen", "95.00", 17, "Brass body, fine steel nib, and a converter for bottled ink."
    ),
    Ware(
        "Bottled ink, forest green",
        "19.00",
        58,
        "50 ml, pigment-based and safe for vintage pens. Dries in nine seconds.",
    ),
    Ware(
        "Pencils, box of twelve",
        "14.00",
        140,
        "Incense cedar, HB to 4B, without eraser or varnish.",
    ),
    Ware(
        "Wooden desk organiser",
        "49.00",
        0,
        "Birch plywood: pens in front, post behind, a slot for a telephone.",
    ),
    Ware(
        "Linen lampshade",
        "55.00",
        19,
        "Drum shade, 35 cm, for the walnut lamp and most others with an E27 fitting.",
    ),
    Ware(
        "Folding step stool",
        "84.00",
        10,
        "Beech, two steps, carries 150 kg and hangs flat on a nail.",
    ),
    Ware(
        "Wooden train set",
        "68.00",
        21,
        "Thirty-two pieces of beech, coloured with water-based stain.",
    ),
    Ware("Knitted rabbit", "31.00", 34, "Organic cotton inside and out. Ears made to be held by."),
    Ware(
        "Enamel camping mug",
        "12.50",
        160,
        "Steel under two coats of white enamel. Chips with dignity.",
    ),
    Ware(
        "Canvas weekend bag",
        "172.00",
        5,
        "Waxed canvas and bridle leather. Fits under an aeroplane seat.",
    ),
)


def sample(session: Session) -> int:
    """Fill an empty catalogue; return how many items it has got."""
    if session.scalar(select(exists(select(Item.id)))):
        return 0
    seller = _seller(session)
    for name, price, stock, description in reversed(WARES):
        create_item(
            session,
            owner_id=seller.id,
            name=name,
            price=Decimal(price),
            stock=stock,
            description=description,
        )
    return len(WARES)


def _seller(session: Session) -> User:
    """Return the shop's account; nobody can sign in to it."""
    return find_user_by_email(session, SELLER_EMAIL) or create_user(
        session, email=SELLER_EMAIL, password_hash=None, full_name=SELLER_NAME
    )
