"""The people who work here."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models

from giftops import roles


class User(AbstractUser):
    """A person with one role; the role alone says what they may do.

    Groups and single permissions are not read: the table in `giftops.roles` is the only source,
    so that two people with the same role can always do the same.
    """

    role = models.CharField(max_length=32, blank=True, choices=roles.CHOICES)

    class Meta(AbstractUser.Meta):
        verbose_name = "person"
        verbose_name_plural = "people"

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Say whether this person may do `perm` ("app.verb_model"); inactive people may nothing."""
        if not self.is_active:
            return False
        if self.is_superuser and roles.superuser_allows(perm):
            return True
        return roles.allows(self.role, perm)

    def has_perms(self, perm_list: Iterable[str], obj: Any = None) -> bool:
        """Say whether this person may do all of these."""
        return all(self.has_perm(perm, obj) for perm in perm_list)

    def has_module_perms(self, app_label: str) -> bool:
        """Say whether this person may do anything at all in that app."""
        return any(perm.startswith(f"{app_label}.") for perm in self.get_all_permissions())

    def get_user_permissions(self, obj: Any = None) -> set[str]:
        """Give what the role grants; there are no other permissions."""
        return self.get_all_permissions(obj)

    def get_group_permissions(self, obj: Any = None) -> set[str]:
        """Give nothing: groups are not used."""
        return set()

    def get_all_permissions(self, obj: Any = None) -> set[str]:
        """List everything this person may do, for pages that show it."""
        if not self.is_active:
            return set()
        return roles.granted(self.role, is_superuser=self.is_superuser)
