"""The proxies that stand in for load balancers, and the checks of the targets behind them, as the API has them now."""

from __future__ import annotations

import pathlib
import ssl
from typing import Any, Callable

from . import certificates
from .checks import Check
from .proxy import Listener
from .sandbox import Gone, NotOurs, Refused, Sandbox


class Balancers:
    """`locate` says where a registered target (address and port of the API) really listens."""

    def __init__(self, sandbox: Sandbox, folder: pathlib.Path,
                 locate: Callable[[str, int], tuple[str, int] | None]) -> None:
        self._sandbox, self._folder, self._locate = sandbox, folder, locate
        self._listeners: dict[str, Listener] = {}
        self._checks: dict[tuple[str, str, int], Check] = {}
        self._told: dict[str, str] = {}
        self.names: dict[str, str] = {}

    async def follow(self, world: dict[str, Any], ports: dict[str, int]) -> None:
        """Open, change and close what the API says. `ports` are remembered from earlier runs, and filled, by name and port."""
        self._follow_groups(world)
        wanted = {listener["arn"]: (balancer, listener) for balancer in world["balancers"]
                  for listener in balancer["listeners"] if listener["protocol"] in ("HTTP", "HTTPS")}
        for arn in set(self._listeners) - set(wanted):
            await self._listeners.pop(arn).close()
        for arn, (balancer, listener) in wanted.items():
            known = self._listeners.get(arn)
            if known is not None and known.settings["protocol"] != listener["protocol"]:
                await self._listeners.pop(arn).close()
                known = None
            if known is None:
                known = Listener(balancer, listener, self._targets, self._tls(listener))
                key = f"{balancer['name']}:{listener['port']}"
                await known.open(ports.get(key, 0))
                ports[key] = known.port
                self._listeners[arn] = known
            known.balancer, known.settings = balancer, listener
        await self._name(wanted)

    async def _name(self, wanted: dict[str, tuple[dict, dict]]) -> None:
        """Each balancer goes by its plain listener's address, or else by that with TLS."""
        names: dict[str, str] = {}
        ports: dict[str, dict[int, int]] = {}
        order = sorted(wanted.items(), key=lambda item: (item[1][1]["protocol"], item[1][1]["port"]))
        for arn, (balancer, listener) in order:
            names.setdefault(balancer["arn"], f"127.0.0.1:{self._listeners[arn].port}")
            ports.setdefault(balancer["arn"], {})[listener["port"]] = self._listeners[arn].port
        for arn, (balancer, _) in order:
            self._listeners[arn].ports = ports[balancer["arn"]]
        self.names = {balancer["name"]: names[balancer["arn"]] for balancer, _ in wanted.values()}
        if names != self._told:
            await self._sandbox.names(names)
            self._told = names

    def _tls(self, listener: dict[str, Any]) -> ssl.SSLContext | None:
        if listener["protocol"] != "HTTPS":
            return None
        if not (self._folder / "server.key").exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            certificates.make(self._folder, [])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._folder / "server.pem", self._folder / "server.key")
        return context

    def _follow_groups(self, world: dict[str, Any]) -> None:
        wanted: dict[tuple[str, str, int], tuple[dict, tuple[str, int]]] = {}
        for group in world["groups"]:
            for target in group["targets"]:
                address = self._locate(target["id"], target["port"])
                if address is None or target["state"] == "draining":
                    continue
                wanted[group["arn"], target["id"], target["port"]] = (group, address)
        for key in set(self._checks) - set(wanted):
            self._checks.pop(key).stop()
        for key, (group, address) in wanted.items():
            check = self._checks.get(key)
            if check is None:
                self._checks[key] = Check(group, key[1], address, world["clock_factor"], self._tell)
            else:
                check.group, check.clock_factor = group, world["clock_factor"]

    def _targets(self, group: str) -> list[tuple[str, int]]:
        """Where a group's requests go now. When all are unhealthy, all get requests: user guide, "Target group health"."""
        states: dict[str, list[tuple[str, int]]] = {}
        for (arn, _, _), check in self._checks.items():
            if arn == group:
                states.setdefault(check.state, []).append(check.address)
        return states.get("healthy") or states.get("unhealthy") or []

    async def _tell(self, report: dict[str, Any]) -> bool:
        try:
            await self._sandbox.report_targets([report])
        except (Gone, NotOurs, Refused) as error:
            print(f"checks: {error}", flush=True)
            return False
        return True

    def failing(self, target: str) -> str | None:
        """The group in which a target fails its checks, or None."""
        return next((group for (group, address, _), check in self._checks.items() if address == target and check.state == "unhealthy"),
                    None)

    async def close(self) -> None:
        for check in self._checks.values():
            check.stop()
        for listener in self._listeners.values():
            await listener.close()
