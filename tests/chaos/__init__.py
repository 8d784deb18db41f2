"""Tests in which much fails or happens at once: faults, flips, fuzzing."""
