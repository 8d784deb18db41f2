"""Thousands of orders while everything breaks, and an audit of all three books afterwards."""
