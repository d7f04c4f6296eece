"""livestyle: real-time video stylization with adaptive instance normalization."""

__version__ = "0.1.0"
