"""Stand-ins for what the tests cannot use for real: a shop, a checkout store, a payment provider, agents and buyers."""
