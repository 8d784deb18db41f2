"""What is published beside the endpoint, under `/mcp/`: what can be had there, and how a client is connected."""

from typing import Final

from cards.beside.connecting import CONFIGS, CONNECTING
from cards.beside.docs import DOCS
from cards.beside.introduction import INTRODUCTION
from cards.beside.resources import RESOURCES
from cards.beside.tools import TOOLS
from storefront_mcp.roadmap.card import Card

BESIDE: Final[tuple[Card, ...]] = (INTRODUCTION, TOOLS, RESOURCES, DOCS, CONNECTING, *CONFIGS)
"""All of them; they answer in every state of the roadmap, also while the endpoint itself does not."""
