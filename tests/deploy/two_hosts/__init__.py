"""A rehearsal of what the deployment is for: two application hosts, and what can happen to them.

    python -m tests.deploy.two_hosts

Each host is a network namespace behind a cable of its own, so it can die as a machine does.
Before them stands nginx with the configuration of deploy/nginx, behind them a primary with a
streaming replica. Customers read and write all the while and keep a ledger: what they were told
is compared with what the database holds. Linux and root only; takes about 80 seconds.

    machines.py    the network, and the hosts on it
    customers.py   the load, and the ledger
    blows.py       what is done to them, and what customers noticed
    stage.py       all of it put up
    test_rehearsal.py   the short form
"""
