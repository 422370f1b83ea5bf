"""Real throw-away Kubernetes clusters for tests, demo and benchmarks.

``up(name)`` gives a running `Cluster`, ``down(name)`` removes it without a trace. The command line is
``python -m tests.cluster``.
"""

from .paths import ClusterError
from .providers import down, load, load_release, status, up
from .state import Cluster

__all__ = ["Cluster", "ClusterError", "down", "load", "load_release", "status", "up"]
