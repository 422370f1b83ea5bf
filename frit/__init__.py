"""Floor 5: the front door. Root command, rendering of results, progress, exit."""
