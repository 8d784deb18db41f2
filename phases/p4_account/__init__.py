"""What a signed-in customer may see."""
