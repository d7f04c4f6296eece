"""Control of a live show from elsewhere: other programs, other machines, desks of buttons."""
