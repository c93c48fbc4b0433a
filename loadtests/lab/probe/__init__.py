"""What runs inside the server: the application, served as in production, and what it is seen to do.

`server.py` copies this folder beside the processes that it starts and puts it on their path, so
that it can watch another revision as well. It therefore imports nothing of the laboratory but
itself, and of `project` only what is old.

    __main__.py   serves, by the way that `runserver` takes when it is deployed
    asgi.py       the application, with the probe around it
    requests.py   what requests cost, by route
    pools.py      connections: taken, waited for, waited for in vain
    monitor.py    the thread that looks at lanes, pools, loop and interpreter, and writes it down
    channel.py    the file of a worker, and how the processes are told what to do
"""
