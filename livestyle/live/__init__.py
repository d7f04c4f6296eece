"""A live show: its threads, its window with what is drawn there, and its outputs."""
