"""Find and read products without a credential."""
