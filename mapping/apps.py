from django.apps import AppConfig
from django.contrib.admin import apps as admin


class MappingConfig(AppConfig):
    name = "mapping"
    verbose_name = "Presence Sync"

    def ready(self) -> None:
        # Not by the admin's autodiscovery: that would import our pages while it makes the site they go on.
        from .admin import pages  # noqa: F401  registers our pages


class PresenceSyncAdmin(admin.AdminConfig):
    default = False
    default_site = "mapping.admin.site.Site"
