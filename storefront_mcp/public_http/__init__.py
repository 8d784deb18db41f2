"""HTTP with hosts that strangers name: nothing but the internet's own addresses, bounded in time and size."""
