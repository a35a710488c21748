"""The map of settings pages, pictures, language and theme. Read before allauth's own map, so that sign-up is ours."""

from django.urls import URLPattern, URLResolver, path
from django.views.generic import RedirectView

from accounts.views import devices, looks, pictures, settings, signing_up

urlpatterns: list[URLPattern | URLResolver] = [
    path("accounts/signup/", signing_up.signup, name="account_signup"),
    path("accounts/sessions/", RedirectView.as_view(pattern_name="settings_devices")),
    path("settings/", settings.index, name="settings"),
    path("settings/profile/", settings.profile, name="settings_profile"),
    path("settings/profile/username/", settings.username_check, name="username_check"),
    path("settings/profile/picture/", pictures.change, name="picture_change"),
    path("settings/profile/picture/remove/", pictures.remove, name="picture_remove"),
    path("settings/privacy/", settings.privacy, name="settings_privacy"),
    path("settings/appearance/", settings.appearance, name="settings_appearance"),
    path("settings/notifications/", settings.notifications, name="settings_notifications"),
    path("settings/account/", settings.account, name="settings_account"),
    path("settings/devices/", devices.devices, name="settings_devices"),
    path("media/pictures/<str:name>.webp", pictures.read, name="picture"),
    path("language/<slug:code>/", looks.set_language, name="set_language"),
    path("theme/", looks.set_theme, name="set_theme"),
    path("who-can-read-this/", looks.who_can_read, name="who_can_read"),
]
