"""Floor 2: what frit knows about cert-manager: releases, webhook probe, health."""
