"""URLs of settings, pictures, language and theme. Included before allauth's for our sign-up view."""

from django.urls import URLPattern, URLResolver, path
from django.views.generic import RedirectView

from accounts.views import appearance, avatars, devices, settings, signup

urlpatterns: list[URLPattern | URLResolver] = [
    path("accounts/signup/", signup.signup, name="account_signup"),
    path("accounts/sessions/", RedirectView.as_view(pattern_name="settings_devices")),
    path("settings/", settings.index, name="settings"),
    path("settings/profile/", settings.profile, name="settings_profile"),
    path("settings/profile/username/", settings.username_check, name="username_check"),
    path("settings/profile/picture/", avatars.change, name="picture_change"),
    path("settings/profile/picture/remove/", avatars.remove, name="picture_remove"),
    path("settings/privacy/", settings.privacy, name="settings_privacy"),
    path("settings/appearance/", settings.appearance, name="settings_appearance"),
    path("settings/notifications/", settings.notifications, name="settings_notifications"),
    path("settings/account/", settings.account, name="settings_account"),
    path("settings/devices/", devices.devices, name="settings_devices"),
    path("media/pictures/<str:name>.webp", avatars.read, name="picture"),
    path("language/<slug:code>/", appearance.set_language, name="set_language"),
    path("theme/", appearance.set_theme, name="set_theme"),
    path("who-can-read-this/", appearance.who_can_read, name="who_can_read"),
]
