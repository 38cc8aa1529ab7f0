"""The form of a tenant: what it refuses beyond what the model does."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.db.models import Q
from django.utils.translation import gettext as _

from ..models import Tenant


class TenantForm(forms.ModelForm):  # type: ignore[type-arg]
    """Made by TenantAdmin with `asker`, the person who fills it in, on the class."""

    asker: Any = None

    class Meta:
        model = Tenant
        fields = ["name", "slug", "platform", "members"]  # TenantAdmin's fieldsets say the rest

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "members" in self.fields:
            self.fields["members"].queryset = self._people()  # type: ignore[attr-defined]

    def _people(self) -> Any:
        """Who may be chosen. Whoever is a member already is among them, else saving would drop them."""
        offered = Q(is_active=True, is_staff=True, is_superuser=False)
        if not self.asker.is_superuser:
            offered &= Q(tenants__in=Tenant.objects.for_staff(self.asker)) | Q(tenants=None)
        if self.instance.pk:
            offered |= Q(tenants=self.instance)
        return get_user_model().objects.filter(offered).distinct().order_by("username")

    def clean_platform(self) -> str:
        """Accounts of two platforms in one tenant could not be told apart."""
        platform = self.cleaned_data["platform"]
        if self.instance.pk and platform != self.initial["platform"] and _has_accounts(self.instance):
            raise forms.ValidationError(
                _("This tenant has accounts of its present platform. Make a new tenant for another platform.")
            )
        return str(platform)

    def clean_members(self) -> Any:
        members = self.cleaned_data["members"]
        if self.instance.pk and not self.asker.is_superuser and self.asker not in members:
            raise forms.ValidationError(_("You would lock yourself out: keep yourself among the staff."))
        return members


def _has_accounts(tenant: Tenant) -> bool:
    accounts = getattr(tenant, "accounts", None)  # a storey above us has them
    return accounts is not None and accounts.exists()
