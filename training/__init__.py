"""How the weights in ``pipeline/data`` are made; not installed."""
