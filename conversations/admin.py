"""Admin of conversations: none. It also takes away the page of jobs that django-tasks-db registers: their
arguments say who did something in which conversation (docs/threats.md T52)."""

import django_tasks_db.admin  # noqa: F401  (imported first, so that there is something to take away)
from django.contrib import admin
from django_tasks_db.models import DBTaskResult

admin.site.unregister(DBTaskResult)
