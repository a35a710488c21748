"""The map of settings pages, language and theme. Read before allauth's own map, so that sign-up is ours."""

from django.urls import URLPattern, URLResolver, path

from accounts import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("accounts/signup/", views.signup, name="account_signup"),
    path("settings/", views.settings_index, name="settings"),
    path("settings/profile/", views.settings_profile, name="settings_profile"),
    path("settings/privacy/", views.settings_privacy, name="settings_privacy"),
    path("settings/appearance/", views.settings_appearance, name="settings_appearance"),
    path("settings/account/", views.settings_account, name="settings_account"),
    path("language/<slug:code>/", views.set_language, name="set_language"),
    path("theme/", views.set_theme, name="set_theme"),
]
