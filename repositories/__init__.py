"""Floor 2: package repositories. The package API, PackageRepository objects, and who is registered."""
