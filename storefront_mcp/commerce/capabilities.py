"""What some shop software has and other software lacks."""

from enum import StrEnum


class ShopCapability(StrEnum):
    """Something that tools promise, and that a shop's adapter says it lacks where its software has no such thing."""

    GIFT_CARDS = "gift cards"
    """Gift cards that pay for a cart."""
    ORDER_CANCELLATION = "order cancellation"
    """Customers who cancel an order of theirs by themselves."""
    CUSTOMER_ORDERS = "orders in a customer's name"
    """Orders that an agent prepares and that are in the account of the customer who signed in."""
