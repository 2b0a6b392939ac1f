"""What the shop sells: replenishables, with how often people need more of them, and one-offs."""

from decimal import Decimal
from typing import Final, NamedTuple


class Product(NamedTuple):
    """`every_days` is the typical time between purchases by one customer; 0 for a one-off."""

    sku: str
    name: str
    category: str
    price: Decimal
    every_days: int = 0


def _product(sku: str, name: str, category: str, price: str, every_days: int = 0) -> Product:
    return Product(sku, name, category, Decimal(price), every_days)


REPLENISHABLES: Final = (
    _product("coffee-house", "House blend, 1 kg", "coffee", "17.90", 28),
    _product("coffee-decaf", "Decaf, 500 g", "coffee", "11.40", 24),
    _product("tea-breakfast", "Breakfast tea, 80 bags", "tea", "6.20", 33),
    _product("cat-dry", "Dry cat food, 4 kg", "pets", "21.50", 26),
    _product("cat-litter", "Cat litter, 20 l", "pets", "12.80", 19),
    _product("dog-chews", "Dog chews, 56 pieces", "pets", "24.90", 28),
    _product("lenses-month", "Contact lenses, monthly, 2", "care", "29.00", 30),
    _product("lens-fluid", "Lens fluid, 360 ml", "care", "9.80", 36),
    _product("razor-blades", "Razor blades, 8", "care", "18.70", 38),
    _product("toothbrush-heads", "Toothbrush heads, 4", "care", "16.30", 42),
    _product("vitamin-d", "Vitamin D, 60 tablets", "care", "8.90", 30),
    _product("detergent", "Detergent, 40 washes", "home", "13.60", 32),
)

ONE_OFFS: Final = (
    _product("coffee-grinder", "Coffee grinder", "kitchen", "89.00"),
    _product("kettle", "Gooseneck kettle", "kitchen", "64.00"),
    _product("mug-blue", "Mug, blue", "kitchen", "12.00"),
    _product("mug-red", "Mug, red", "kitchen", "12.00"),
    _product("teapot", "Cast iron teapot", "kitchen", "48.00"),
    _product("cat-tree", "Cat tree", "pets", "119.00"),
    _product("cat-carrier", "Cat carrier", "pets", "39.00"),
    _product("dog-bed", "Dog bed", "pets", "74.00"),
    _product("shaving-bowl", "Shaving bowl", "care", "22.00"),
    _product("lens-case", "Lens case", "care", "7.50"),
    _product("bath-scale", "Bathroom scale", "home", "34.00"),
    _product("laundry-basket", "Laundry basket", "home", "27.00"),
    _product("desk-lamp", "Desk lamp", "home", "58.00"),
)

PRODUCTS: Final = REPLENISHABLES + ONE_OFFS

PAGE: Final = {product.sku: f"/product/{n}" for n, product in enumerate(PRODUCTS, 1)}
"""Where each product is shown, by sku."""

CURRENCY: Final = "EUR"
