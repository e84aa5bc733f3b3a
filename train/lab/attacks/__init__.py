"""What attackers run: importing this package enters every attack in the registry.

Nothing here reaches past the namespaces of its own world: their routes end in the lab's internet,
which has no other side. Every attack ends by its job's time, floods also by their count.
"""

from train.lab.attacks import application, flood, reflect, scan, sweep

__all__ = ["application", "flood", "reflect", "scan", "sweep"]
