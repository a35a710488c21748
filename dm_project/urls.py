"""The HTTP map."""

from django.contrib import admin
from django.urls import include, path

from dm_project import health

handler500 = "dm_project.errors.server_error"

urlpatterns = [
    path("", include("accounts.urls")),
    path("", include("conversations.urls")),
    path("accounts/", include("allauth.account.urls")),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    path("admin/", admin.site.urls),
]
