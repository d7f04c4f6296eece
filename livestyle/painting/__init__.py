"""From a frame to a painting: sizes, the engine, colours, steadiness."""
