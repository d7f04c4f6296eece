"""The state of a show and the commands that change it. It knows no threads, windows or networks."""
