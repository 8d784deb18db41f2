"""What we say, in every state of the roadmap."""
