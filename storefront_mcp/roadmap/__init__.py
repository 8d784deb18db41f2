"""What is promised, what is delivered, and what is open now."""
