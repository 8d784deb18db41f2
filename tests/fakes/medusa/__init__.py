"""A stand-in for Medusa's Store API: as strict and as odd as the real one of 2.21, in memory."""
