"""Admin of accounts: search, suspend, restore access, make a password link.

It gives no access to messages, and it cannot delete an account.
"""

from __future__ import annotations

from typing import Any, ClassVar

from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache

from accounts import services
from accounts.models import Profile, User, profile_search_key
from accounts.signals import account_status_changed, profile_changing

# The admin uses the normal login page, so that rate limits (and later a second factor) apply to it.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]


@admin.register(User)
class AccountAdmin(UserAdmin):  # type: ignore[type-arg]
    list_display = ("username", "name", "email", "is_active", "is_staff", "date_joined", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("username", "name", "email")
    ordering = ("username",)
    readonly_fields = ("public_id", "last_login", "date_joined")
    actions = ("suspend", "restore_access", "make_password_link")
    fieldsets = (
        (None, {"fields": ("username", "password", "public_id")}),
        (_("Person"), {"fields": ("name", "email")}),
        (
            _("Permissions"),
            {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("username", "name", "usable_password", "password1", "password2"),
            },
        ),
    )
    RIGHTS: ClassVar[tuple[str, ...]] = ("is_staff", "is_superuser", "groups", "user_permissions")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Only a superuser grants permissions; otherwise any account editor could make superusers."""
        fixed = tuple(super().get_readonly_fields(request, obj))
        return fixed if request.user.is_superuser else (*fixed, *self.RIGHTS)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Hide staff accounts from other staff: a password link would give access to them."""
        accounts = super().get_queryset(request)
        return accounts if request.user.is_superuser else accounts.filter(is_staff=False, is_superuser=False)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Never: deleting the row would delete conversations of other users."""
        return False

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if change:
            profile_changing.send(sender=User, user_id=obj.pk)
        super().save_model(request, obj, form, change)
        account_status_changed.send(sender=User, user=obj)
        Profile.objects.update_or_create(
            user=obj, defaults={"search_key": profile_search_key(obj.name, obj.username)}
        )

    @admin.action(description=_("Suspend"), permissions=["change"])
    def suspend(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        chosen = queryset.filter(is_active=True).exclude(username=request.user.get_username())
        for user in chosen:
            services.account_deactivate(user=user)
            self.log_change(request, user, "Suspended")
        self.message_user(
            request, ngettext("%d account suspended.", "%d accounts suspended.", len(chosen)) % len(chosen)
        )

    @admin.action(description=_("Restore access"), permissions=["change"])
    def restore_access(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        chosen = queryset.filter(is_active=False)
        for user in chosen:
            services.account_reactivate(user=user)
            self.log_change(request, user, "Restore access")
        self.message_user(
            request,
            ngettext("%d account active again.", "%d accounts active again.", len(chosen)) % len(chosen),
        )

    @admin.action(description=_("Make a one-time password link"), permissions=["change"])
    def make_password_link(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        """Shown on its own page: a notice would store the link in a cookie."""
        user = queryset.first()
        if user is None or queryset.count() != 1 or not user.is_active:
            self.message_user(request, _("Choose exactly one active account."), messages.ERROR)
            return None
        self.log_change(request, user, "One-time password link made")
        return password_link_page(request, user, self.admin_site.each_context(request))


@never_cache
def password_link_page(request: HttpRequest, user: User, context: dict[str, Any]) -> HttpResponse:
    about = {
        "title": _("One-time password link"),
        "person": user,
        "hours": settings.PASSWORD_RESET_TIMEOUT // 3600,
    }
    return TemplateResponse(
        request,
        "admin/accounts/user/password_link.html",
        {**context, **about, "link": services.password_link(user=user)},
    )
