"""The catalogue to measure with: the same rows for the same number, as SQL for a server that has the schema."""

import base64
import json
import random
import uuid
from datetime import datetime, timedelta

CATEGORIES = ["rings", "necklaces", "earrings", "bracelets", "pendants", "brooches", "anklets", "charms"]
METALS = ["gold_18k", "rose_gold_18k", "white_gold_18k", "silver_925", "platinum_950"]
STONES = ["diamond", "sapphire", "ruby", "emerald", "pearl", "moonstone", "garnet", "opal"]
MOODS = ["Aurora", "Sable", "Tide", "Ember", "Zephyr", "Luna", "Meridian", "Solstice", "Willow", "Harbour"]
FIRST_DAY = datetime(2026, 1, 1, 10, 0, 0, 123456)
EPOCH = datetime(1970, 1, 1)
ROWS_A_STATEMENT = 500


def key(kind, *numbers):
    """An id that is the same in every run."""
    return uuid.uuid5(uuid.NAMESPACE_URL, "/".join([kind, *map(str, numbers)]))


def category_of(number):
    return CATEGORIES[number % len(CATEGORIES)]


def slug(number):
    return f"{MOODS[number % len(MOODS)].lower()}-{category_of(number)}-{number}"


def created(number):
    return FIRST_DAY + timedelta(minutes=number)


def statements(count):
    """Three variants with stock and two pictures each."""
    rng = random.Random(7)
    categories = [(key("c", c), c, c.title(), "", i, created(0), created(0)) for i, c in enumerate(CATEGORIES)]
    yield from inserts("categories", "id, slug, name, description, position, created_at, updated_at", categories)
    for start in range(0, count, ROWS_A_STATEMENT):
        products, variants, inventory, images = [], [], [], []
        for number in range(start, min(start + ROWS_A_STATEMENT, count)):
            product, now, stone = key("p", number), created(number), rng.choice(STONES)
            price = rng.randrange(5_000, 500_000, 100)
            text = f"A piece of our {MOODS[number % 10]} line, set with a {stone} by hand in our own workshop and " * 2
            name = f"{MOODS[number % len(MOODS)]} {stone.title()} {category_of(number).title()} {number}"
            category = key("c", category_of(number))
            products.append((product, category, slug(number), name, text, "active", "SGD", price, now, now))
            for position in range(3):
                variant = key("v", number, position)
                size = str(12 + position) if category_of(number) == "rings" else None
                metal = METALS[(number + position) % len(METALS)]
                sku = f"SKU-{number}-{position}"
                variants.append(
                    (variant, product, position, sku, metal, stone, size, price + 5_000 * position, now, now)
                )
                inventory.append((variant, rng.randrange(0, 9), 0, now))
            for position in (1, 2):
                path = f"media/products/{slug(number)}/{position}.jpg"
                images.append((key("i", number, position), product, position, path, f"{name}, view", 1200, 900, now))
        yield from inserts(
            "products",
            "id, category_id, slug, name, description, status, currency, price_from_minor, created_at, updated_at",
            products,
        )
        yield from inserts(
            "variants",
            "id, product_id, position, sku, metal, stone, ring_size, price_minor, created_at, updated_at",
            variants,
        )
        yield from inserts("inventory", "variant_id, on_hand, reserved, updated_at", inventory)
        yield from inserts(
            "images", "id, product_id, position, object_key, alt, width, height, created_at", images
        )


def inserts(table, columns, rows):
    yield f"INSERT INTO {table} ({columns}) VALUES {','.join('(' + ','.join(map(literal, row)) + ')' for row in rows)};\n"


def literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, uuid.UUID):
        return f"0x{value.hex}"
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


def detail_paths(count, rng):
    return [f"/api/v1/products/{slug(rng.randrange(count))}" for _ in range(2_000)]


def list_paths(count, rng):
    """Pages of 24 of a category, from any place in it."""
    return [f"/api/v1/products?category={category_of(n)}&cursor={cursor(n)}" for n in numbers(count, rng)]


def newest_paths(count, rng):
    return [f"/api/v1/products?cursor={cursor(n)}" for n in numbers(count, rng)]


def cheapest_paths(count, rng):
    return [f"/api/v1/products?category={category_of(n)}&sort=price_asc&in_stock=true" for n in numbers(count, rng)]


def search_paths(count, rng):
    return [f"/api/v1/products?q={rng.choice(MOODS)}+{rng.choice(STONES)}" for _ in range(2_000)]


def numbers(count, rng):
    """Products with a full page of their category behind them."""
    return [rng.randrange(min(count - 1, 30 * len(CATEGORIES)), count) for _ in range(2_000)]


def cursor(number):
    micros = (created(number) - EPOCH) // timedelta(microseconds=1)
    text = json.dumps({"by": "newest", "created_at": micros, "id": str(key("p", number))}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
