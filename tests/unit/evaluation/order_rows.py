"""Orders that customers send in bursts, for measures of units."""

import numpy as np
import pandas as pd

from redwood.tables import Column, TableDescription

ORDERS_OF_CUSTOMERS = TableDescription(
    "orders",
    (
        Column("when", "timestamp"),
        Column("article", "categorical"),
        Column("shop", "categorical"),
        Column("state", "categorical"),
        Column("price", "numeric", scale="log"),
        Column("customer", "categorical", role="auxiliary"),
    ),
    units=("customer",),
)
ORDERS = ORDERS_OF_CUSTOMERS.only_features()

HOUR = 3600.0


def orders(
    customers: int,
    seed: int,
    mean_size: float = 4,
    pace_s: float = 60,
    switches: float = 0.3,
    fails: float = 0.1,
    spread: float = 0.2,
    repeated: float = 0.5,
) -> pd.DataFrame:
    """Rows of customers, new ones with every seed: each a burst of orders of one article."""
    random = np.random.default_rng(seed)
    size = random.geometric(1 / mean_size, customers)
    customer = np.repeat(np.arange(customers), size)
    rows = len(customer)
    begin = random.uniform(0, 60 * 24 * HOUR, customers)
    gaps = random.exponential(pace_s, rows)
    first = np.repeat(np.cumsum(size) - size, size)
    since = np.cumsum(gaps)
    article = random.zipf(1.3, customers) % 400
    level = random.normal(3, 1, customers)
    price = level[customer] + random.normal(0, spread, rows)
    same = np.flatnonzero((random.random(rows) < repeated) & (np.arange(rows) > first))
    for row in same:
        price[row] = price[row - 1]
    shop = random.integers(0, 12, customers)[customer]
    shop = np.where(random.random(rows) < switches, random.integers(0, 12, rows), shop)
    failing = random.random(customers) < 2 * fails
    state = np.where(failing[customer] & (random.random(rows) < 0.5), "failed", "done")
    return pd.DataFrame(
        {
            "when": pd.to_datetime(
                1_704_067_200 + begin[customer] + since - since[first], unit="s", utc=True
            ).astype("datetime64[us, UTC]"),
            "article": np.char.add("a", article[customer].astype(str)).astype(object),
            "shop": np.char.add("s", shop.astype(str)).astype(object),
            "state": state.astype(object),
            "price": np.expm1(np.abs(price)),
            "customer": np.char.add("c", customer.astype(str)).astype(object),
        }
    ).sort_values("when", ignore_index=True)
