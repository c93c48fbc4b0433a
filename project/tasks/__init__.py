"""Tasks: work that is asked for in a transaction and done after it, by another process.

    @task(retry=3)
    def send_welcome(session: Session, user_id: int) -> None: ...

    send_welcome.enqueue(session, user_id=user.id)   # in the transaction that makes the user

declaring.py     `@task`, what it may be told, and the arguments of a task
enqueueing.py    puts a job into the queue, in the caller's transaction
tables.py        where Procrastinate's tables are
finding.py       the tasks of all installed apps, by name
settling.py      what becomes of a job, in one transaction with what it did
running.py       one attempt of a job, in a thread
rescuing.py      jobs of workers that died, and jobs that ended long ago
builtin.py       tasks of the machinery itself
worker.py        `manage.py worker`: Procrastinate's worker around all of it

Only `worker.py` imports Procrastinate.
"""

from project.tasks.declaring import GiveUp, Retry, Task, task

__all__ = ["GiveUp", "Retry", "Task", "task"]
