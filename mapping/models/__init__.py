"""The map itself, the runs that keep it true, and its history."""

from .changes import Change
from .notifications import Notification
from .people import ExternalAccount, UserMapping
from .runs import StagedPage, SyncRun
from .schedules import SyncSchedule

__all__ = [
    "Change",
    "ExternalAccount",
    "Notification",
    "StagedPage",
    "SyncRun",
    "SyncSchedule",
    "UserMapping",
]
