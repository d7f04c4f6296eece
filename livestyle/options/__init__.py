"""The options that commands share, and what is built from them."""
