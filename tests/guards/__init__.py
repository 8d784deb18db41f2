"""Tests of the tree itself: its architecture and its documentation."""
