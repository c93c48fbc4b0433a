"""The capacity laboratory: how much this server carries, with which settings, and why not more.

    python manage.py loadtest sweep

It starts the real server in many configurations, lets Locust load it, and reads what limits it.
Nothing here is imported by the application, and nothing here imports Locust but `generator`,
which runs in processes of its own.

    result.py       the document that a run leaves behind; everything else reads or writes it
    window.py       what was seen while one configuration bore one load
    histogram.py    durations, counted so that quantiles are right within one percent
    generator/      Locust's side: open and closed arrivals, and what became of each
    probe/          the server's side: what its lanes, pool, loop and interpreter do
    server.py       a server in a configuration, its database, its workers
    diagnosis.py    evidence in, cause out; a pure function
    sweep.py  gate.py  report/  commands/<verb>.py
"""
