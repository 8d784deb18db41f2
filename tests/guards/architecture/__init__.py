"""What must always hold of the tree itself."""
