"""The words of a shop, and the port through which a shop is asked."""
