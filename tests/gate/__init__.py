"""Quality floors on the labelled data beside the checkout; ``python -m tests.gate``."""
