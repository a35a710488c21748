"""URL configuration."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from dm_project import health, pwa

# Used by allauth, not by Django.
handler429 = "accounts.views.limits.too_many"
handler400 = "dm_project.errors.bad_request"
handler403 = "dm_project.errors.permission_denied"
handler404 = "dm_project.errors.not_found"
handler500 = "dm_project.errors.server_error"

urlpatterns = [
    path("", include("accounts.urls")),
    path("", include("conversations.urls")),
    path("accounts/", include("allauth.account.urls")),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    path("manifest/<str:language>.webmanifest", pwa.manifest, name="manifest"),
    path("release", pwa.release_name, name="release"),
    path("sw.js", pwa.worker, name="worker"),
    path("offline/", pwa.offline, name="offline"),
    path("share/", pwa.shared, name="shared"),
]

if settings.ADMIN:
    urlpatterns.append(path("admin/", admin.site.urls))
