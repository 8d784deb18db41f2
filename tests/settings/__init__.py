"""What an operator sets, and what is said when it does not fit."""
