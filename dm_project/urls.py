"""The HTTP map."""

from django.contrib import admin
from django.urls import include, path

from dm_project import health

urlpatterns = [
    path("", include("accounts.urls")),
    path("", include("conversations.urls")),
    path("accounts/", include("allauth.account.urls")),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    path("admin/", admin.site.urls),
]
