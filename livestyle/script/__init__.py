"""Looks over the time of a file or a show."""
