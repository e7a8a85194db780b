"""Why there is no image."""


class Refused(Exception):
    """What is wrong, and what to do about it; told without a trace."""
