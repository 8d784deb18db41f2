"""Durable checkouts: a state machine on record that turns a cart into exactly one paid order."""
