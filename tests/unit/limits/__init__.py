"""How often is too often, whoever counts."""
