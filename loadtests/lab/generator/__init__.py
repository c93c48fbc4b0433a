"""Locust's side: visitors arrive, and what became of each of their requests is counted.

    plan.py       what shall be loaded, how, and for how long
    driver.py     starts the generator, waits for it, makes sure that it is gone
    tally.py      what one process counted, and how several are added up
    mix.py        how often each journey is walked, dealt so that every minute has its share
    schedule.py   when visitors of the open model are due
    plain.py      requests without Locust, one at a time
    routes.py     which routes the journeys visit, held against the OpenAPI document
    process.py    the process itself: alone, or Locust's master, or one of its workers
    conductor.py  walks through the segments of a plan
    arrivals.py   the open and the closed model, in one process
    wire.py       connections to the server

Only the last four import Locust or gevent, and only `process.py` is ever started; everything
else runs in the controller. Locust brings the master, its workers, and the messages between
them. It has no open model: its users wait for an answer before they ask again, so that a server
that stalls is asked less, and looks better than it is. Arrivals here have due moments of their
own, and whoever answers late is late.
"""
