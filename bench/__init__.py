"""Measurements: scripts that print figures, each with the command that repeats them."""
