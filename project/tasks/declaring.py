"""What a task is: a plain function of an app's `tasks.py`, and what its worker is told of it.

    @task(retry=Retry(times=5, wait=10.0), queue="mail")
    def send_welcome(session: Session, user_id: int) -> None: ...

    @task(cron="0 4 * * *")
    def forget_drafts(session: Session) -> None: ...

The session comes first and is in a transaction, which the worker commits together with the end
of the job. A second parameter of the kind `Runtime` gets the worker's: settings, mailer, storage.
The others are the arguments; pydantic checks them when a job is enqueued and when it is run, and
they travel as JSON.
"""

import inspect
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, get_type_hints, overload

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from sqlalchemy.orm import Session

from project.errors import AppError, ProjectError
from project.tasks.enqueueing import put_into_queue

if TYPE_CHECKING:
    from project.runtime import Runtime

P = ParamSpec("P")

MODULE = "tasks"
RUNTIME = "runtime"
DEFAULT_QUEUE = "default"
NAME_LENGTH = 128
QUEUE = re.compile(r"[a-z][a-z0-9_-]{0,62}")
CRON = re.compile(r"\S+( \S+){4}")


class InvalidArguments(ProjectError):
    """A task was called with arguments that it does not take; the message names each of them."""


class GiveUp(ProjectError):
    """What a task raises when trying again would be in vain, whatever its `retry` says."""


@dataclass(frozen=True)
class Retry:
    """How often a job that fails is tried again, and when."""

    times: int = 3
    wait: float = 10.0
    """Seconds before the second attempt; before each further one `factor` times as many."""

    factor: float = 3.0
    longest: float = 3600.0

    def __post_init__(self) -> None:
        if self.times < 0 or self.wait < 0 or self.factor < 1 or self.longest < self.wait:
            raise AppError(f"{self} makes no sense: times and wait >= 0, factor >= 1 <= longest.")

    def pause(self, attempts: int) -> float | None:
        """Return the seconds to wait after so many attempts, up to a tenth more; None: no more.

        Jobs that failed at one moment do not all come back at one.
        """
        if attempts > self.times:
            return None
        exact = min(self.wait * self.factor ** min(attempts - 1, 100), self.longest)
        return exact * random.uniform(1.0, 1.1)  # noqa: S311 - no secret


@dataclass(frozen=True)
class Task(Generic[P]):
    """A function that a worker runs, and `enqueue` asks for; called `<app's label>.<function>`."""

    name: str
    function: Callable[..., None]
    retry: Retry
    queue: str
    cron: str | None = None
    keep: bool = True
    at: datetime | None = None

    def enqueue(self, session: Session, *args: P.args, **kwargs: P.kwargs) -> int:
        """Ask for it in the transaction of this session; return the job's id.

        It is run once that transaction is committed, and never if it is rolled back. Raises
        InvalidArguments.
        """
        return put_into_queue(
            session,
            name=self.name,
            queue=self.queue,
            arguments=self.pack(*args, **kwargs),
            at=self.at,
        )

    def later(self, *, at: datetime | None = None, after: timedelta | None = None) -> "Task[P]":
        """Return the task as it is to be enqueued: not to be run before a moment.

        send_reminder.later(after=timedelta(days=3)).enqueue(session, order_id=order.id)
        """
        if (at is None) == (after is None):
            raise TypeError("later() takes either at= or after=.")
        if at is not None and at.tzinfo is None:
            raise TypeError("later(at=…) takes a time with a time zone.")
        return replace(self, at=at or datetime.now(UTC) + (after or timedelta()))

    def pack(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Check arguments and write them as JSON has them. Raises InvalidArguments."""
        try:
            given = self._signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            raise InvalidArguments(f"{self.name}: {error}.") from error
        return self._check(given).model_dump(mode="json")

    def unpack(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Read arguments back, as the function takes them. Raises InvalidArguments."""
        checked = self._check(arguments)
        return {name: getattr(checked, name) for name in type(checked).model_fields}

    def run(self, session: Session, runtime: "Runtime", arguments: Mapping[str, Any]) -> None:
        """Do it, in the transaction of this session."""
        first: tuple[Any, ...] = (session, runtime) if self._wants_runtime else (session,)
        self.function(*first, **self.unpack(arguments))

    def _check(self, arguments: Mapping[str, Any]) -> BaseModel:
        try:
            return self._model.model_validate(arguments)
        except ValidationError as error:
            places = [
                f"{'.'.join(map(str, each['loc']))}: {each['msg']}"
                for each in error.errors(include_input=False, include_url=False)
            ]
            raise InvalidArguments(f"{self.name}: {'; '.join(places)}.") from None

    @cached_property
    def _wants_runtime(self) -> bool:
        return [*inspect.signature(self.function).parameters][1:2] == [RUNTIME]

    @cached_property
    def _signature(self) -> inspect.Signature:
        """Of the arguments alone."""
        signature = inspect.signature(self.function)
        own = [*signature.parameters.values()][2 if self._wants_runtime else 1 :]
        return signature.replace(parameters=own)

    @cached_property
    def _model(self) -> type[BaseModel]:
        hints = get_type_hints(self.function, include_extras=True)
        fields: dict[str, Any] = {
            name: (hints[name], ... if parameter.default is parameter.empty else parameter.default)
            for name, parameter in self._signature.parameters.items()
        }
        config = ConfigDict(extra="forbid", arbitrary_types_allowed=False)
        return create_model("Arguments", __config__=config, **fields)

    def refuse_what_cannot_be(self) -> None:
        """Raise AppError for a declaration that no worker could run."""
        parameters = [*inspect.signature(self.function).parameters.values()]
        if not parameters or parameters[0].name != "session":
            raise AppError(f"The task {self.name} takes the session as its first parameter.")
        if any(p.kind in {p.VAR_POSITIONAL, p.VAR_KEYWORD} for p in parameters):
            raise AppError(f"The task {self.name} names its arguments: no *args, no **kwargs.")
        if inspect.iscoroutinefunction(self.function):
            raise AppError(f"The task {self.name} is run in a thread: def, not async def.")
        needed = [p.name for p in self._signature.parameters.values() if p.default is p.empty]
        if self.cron and needed:
            raise AppError(f"Nobody gives the periodic task {self.name} its '{needed[0]}'.")
        if self.cron and not CRON.fullmatch(self.cron):
            raise AppError(f"The task {self.name}: '{self.cron}' is not five fields of cron.")
        if not QUEUE.fullmatch(self.queue) or len(self.name) > NAME_LENGTH:
            raise AppError(f"The task {self.name}: '{self.queue}' is no name of a queue.")
        try:
            _ = self._model
        except Exception as error:
            raise AppError(f"The task {self.name}: {error}") from error


class Declare:
    """What `@task(…)` returns: it makes a task of a function, whatever `runtime` it asks for."""

    def __init__(self, **told: Any) -> None:
        self._told = told

    @overload
    def __call__(self, function: "Callable[Concatenate[Session, Runtime, P], None]") -> Task[P]: ...

    @overload
    def __call__(self, function: Callable[Concatenate[Session, P], None]) -> Task[P]: ...

    def __call__(self, function: Callable[..., None]) -> Task[Any]:
        made: Task[Any] = Task(name=_name(function), function=function, **self._told)
        made.refuse_what_cannot_be()
        return made


def task(
    *,
    retry: int | Retry = 0,
    queue: str = DEFAULT_QUEUE,
    cron: str | None = None,
    keep: bool = True,
) -> Declare:
    """Declare a task.

    `retry`: how often a job that failed is tried again, a number or a `Retry` with its pauses.
    `queue`: workers may be told to serve some queues and not others. `cron`: when it is run by
    itself, in five fields and UTC, by one worker however many there are. `keep`: whether a job
    that succeeded can be seen for a while, in the admin say, or is deleted at once.

    Raises AppError for what no worker could run.
    """
    pauses = retry if isinstance(retry, Retry) else Retry(times=retry)
    return Declare(retry=pauses, queue=queue, cron=cron, keep=keep)


def _name(function: Callable[..., Any]) -> str:
    """Name it after the app whose `tasks.py` it stands in, or after the machinery."""
    package, _, module = function.__module__.rpartition(".")
    if package == __name__.rpartition(".")[0]:
        return f"project.{function.__name__}"
    if module != MODULE:
        raise AppError(
            f"{function.__module__}.{function.__qualname__}: tasks are declared in an app's "
            "tasks.py, where workers look for them."
        )
    return f"{import_module(f'{package}.app').app.label}.{function.__name__}"
