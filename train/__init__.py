"""Training: reproduces the weights that livestyle ships. See train/README.md."""
