"""What a painting is to look like: styles and their blends, regions, and how they are written down."""
