"""A local CXone and RingCentral that answer over real HTTP, with faults on demand.

Standard library only, written from the vendors' documents and never from our clients: the two are strangers,
so that what one misreads the other does not repeat.
"""

from tenants.sandbox.app import Sandbox
from tenants.sandbox.faults import Fault
from tenants.sandbox.server import serve
from tenants.sandbox.world import World

__all__ = ["Fault", "Sandbox", "World", "serve"]
