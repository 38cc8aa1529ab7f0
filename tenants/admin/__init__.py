"""The pages about who we work for, how their platforms are reached, and who of us may come in."""

from . import connection, staff, tenant

__all__ = ["connection", "staff", "tenant"]
