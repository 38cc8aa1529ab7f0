"""All pages of the admin, imported once the apps are ready: importing them registers them."""

from . import change, externalaccount, queue, syncrun, syncschedule, usermapping

__all__ = ["change", "externalaccount", "queue", "syncrun", "syncschedule", "usermapping"]
