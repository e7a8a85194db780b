"""The whole system on one machine: what the sandbox's API says should run, as processes of this machine.

    sandbox's API ─▶ follow ─┬▶ tasks: an image's or the host build's processes, their logs, their ends
                             ├▶ databases: PostgreSQL with PostGIS and TLS, in RDS's place
                             ├▶ balancers: reverse proxies on 127.0.0.1, in the load balancers' place
                             └▶ checks: targets' health, told back to the API

`python -m system --help` starts it; `circles-infra sandbox up` does so. One process per sandbox; what it starts ends with it.
"""
