"""What has to hold before memory is read or written in place."""


cdef inline int check(bint holds) except -1:
    """As `assert`, but under ``python -O`` too. Raises `ValueError`."""
    if not holds:
        raise ValueError("arrays that do not belong together")
    return 0
