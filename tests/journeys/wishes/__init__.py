"""Twenty wishes of buyers, each a script for an agent with an exact end: a cart, totals, an order, or an honest no."""

from collections.abc import Sequence
from typing import Final

from tests.journeys.wishes.asking import ASKING
from tests.journeys.wishes.choosing import CHOOSING
from tests.journeys.wishes.ordering import ORDERING
from tests.journeys.wishes.shopper import Wish

WISHES: Final[Sequence[Wish]] = (*CHOOSING, *ASKING, *ORDERING)
