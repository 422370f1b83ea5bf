"""Floor 1: what downloading needs: one careful request, proxies, trust, private files, hostile text."""
