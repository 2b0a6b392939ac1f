"""Who buys: customers, the devices they own, and what they need again and again."""

from random import Random
from typing import Final, Literal, NamedTuple

from footfall.demo.shop.catalog import REPLENISHABLES, Product
from footfall.demo.shop.dice import dice

DeviceClass = Literal["desktop", "mobile"]

USER_AGENTS: Final[dict[DeviceClass, tuple[str, ...]]] = {
    "desktop": (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/141.0.0.0 Safari/537.36",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/18.5 Safari/605.1.15",
        "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
    ),
    "mobile": (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 "
        "(KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
        "Mozilla/5.0 (Linux; Android 15; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/141.0.0.0 Mobile Safari/537.36",
    ),
}

MOBILE_SHARE: Final = 0.55
INTERVAL_SPREAD: Final = 0.22
"""Standard deviation of log(own interval / the product's typical interval) over customers."""


class Device(NamedTuple):
    """A browser, with the id its snippet made up."""

    anonymous_id: str
    kind: DeviceClass
    user_agent: str


class Habit(NamedTuple):
    """A customer's own need for a product, renewed every `every_days` days on average."""

    product: Product
    every_days: float


class Customer(NamedTuple):
    """Somebody with an account. `devices` are all that they may use on the day."""

    user_id: str
    email: str
    habits: tuple[Habit, ...]
    devices: tuple[Device, ...]


def device(roll: Random, name: str, kind: DeviceClass | None = None) -> Device:
    """A device called `name`; of random class unless `kind` says which."""
    kind = kind or ("mobile" if roll.random() < MOBILE_SHARE else "desktop")
    return Device(name, kind, roll.choice(USER_AGENTS[kind]))


def customers(seed: int, count: int) -> tuple[Customer, ...]:
    """`count` customers with one to three habits and one to three devices each."""
    return tuple(_customer(dice(seed, "customer", n), n) for n in range(1, count + 1))


def _customer(roll: Random, number: int) -> Customer:
    products = roll.sample(REPLENISHABLES, roll.choice((1, 1, 2, 2, 3)))
    return Customer(
        user_id=f"c{number:05d}",
        email=f"customer{number}@shop.example",
        habits=tuple(_habit(roll, product) for product in products),
        devices=_devices(roll, number),
    )


def _habit(roll: Random, product: Product) -> Habit:
    return Habit(product, product.every_days * roll.lognormvariate(0, INTERVAL_SPREAD))


def _devices(roll: Random, number: int) -> tuple[Device, ...]:
    first = device(roll, f"d{number:05d}a")
    if roll.random() < 0.45:
        return (first,)
    another: DeviceClass = "desktop" if first.kind == "mobile" else "mobile"
    second = device(roll, f"d{number:05d}b", another)
    third = (device(roll, f"d{number:05d}c"),) if roll.random() < 0.2 else ()
    return (first, second, *third)
