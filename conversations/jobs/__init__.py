"""Jobs: background work that is stored as rows, and the engine that runs it.

One module for each kind of job. Its functions carry django-tasks' `@task`; services add them with `enqueue`,
inside the transaction of what they belong to.
"""
