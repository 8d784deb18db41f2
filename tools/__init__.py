"""What contributors run: not part of the wheel."""
