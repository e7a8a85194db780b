"""AWS's eventual consistency on request: what was just made is unknown to the next looks and uses.

A new resource may be hidden whole, its tags may come late, an attribute or an attachment may lag behind the list, a
change of a database may be shown late, a service-linked role may need time. Each is drawn by a seed and counted in
looks; it is over after so many AWS seconds, too. Off unless asked for.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import Any, Callable

from .clock import CLOCK
from .errors import Answer, error_answer
from .lag_answers import edit, leaves, read_id, report_missing
from .lag_kinds import BY_CREATE, ELSEWHERE, Kind, refusal_of
from .request import Call

# Where the clock stands still, so many calls count as one AWS second.
CALLS_A_SECOND = 5
DEFAULTS = {"seed": 0, "share": 0.4, "looks": [1, 5], "seconds": 10.0}
# Calls whose policies name principals.
POLICIES = {"CreateRole", "UpdateAssumeRolePolicy", "PutBucketPolicy", "SetRepositoryPolicy"}


@dataclass
class Hidden:
    """Something that is not seen yet: for so many looks, and no longer than until then."""

    what: str
    kind: Kind | None
    identifier: str
    name: str
    looks: int
    until: float
    last_call: int


class Lag:
    """The state of the fault. To be used under the sandbox's lock."""

    def __init__(self) -> None:
        self.default: dict[str, Any] | None = None
        self.settings: dict[str, Any] | None = None
        self.clear()

    def clear(self) -> None:
        """Forget what is hidden, and go back to the settings of the start."""
        self.settings = self.default
        self._forget()

    def _forget(self) -> None:
        self._hidden: dict[tuple[str, str], Hidden] = {}
        self._known: set[str] = set()
        self._late: list[tuple[Hidden, Callable[[], None]]] = []
        self._drawn: dict[str, int] = {}
        self._calls = 0
        self.counts = {"new": 0, "hidden": 0, "hidden_looks": 0}

    def configure(self, settings: dict[str, Any] | None) -> None:
        self.settings = None if settings is None else {**DEFAULTS, **settings}
        self._forget()

    def figures(self) -> dict[str, Any]:
        """What the control API tells."""
        return {"settings": self.settings, **self.counts, "still_hidden": len(self._hidden) + len(self._late)}

    # Drawing

    def _draw(self, what: str, kind: Kind | None, identifier: str, name: str = "") -> Hidden | None:
        """Whether this is hidden: for how long, drawn from the seed and from how many such were drawn before."""
        if self.settings is None:
            return None
        label = f"{what}:{kind.kind if kind else ''}"
        number = self._drawn[label] = self._drawn.get(label, 0) + 1
        chance = random.Random(f"{self.settings['seed']}:{label}:{number}")
        if chance.random() >= float(self.settings["share"]):
            return None
        least, most = self._looks()
        seconds = float(self.settings["seconds"])
        return Hidden(what, kind, identifier, name, chance.randint(least, most), CLOCK.now() + seconds,
                      self._calls + int(seconds * CALLS_A_SECOND))

    def _looks(self) -> tuple[int, int]:
        looks = self.settings["looks"]
        return (looks, looks) if isinstance(looks, int) else (int(looks[0]), int(looks[1]))

    def _over(self, hidden: Hidden) -> bool:
        late = CLOCK.now() >= hidden.until if CLOCK.factor > 0 else self._calls > hidden.last_call
        return hidden.looks <= 0 or late

    def _look(self, hidden: Hidden) -> None:
        hidden.looks -= 1
        self.counts["hidden_looks"] += 1

    def _current(self, what: str) -> list[Hidden]:
        return [hidden for (sort, _), hidden in self._hidden.items() if sort == what]

    def _tidy(self) -> None:
        for key in [key for key, hidden in self._hidden.items() if self._over(hidden)]:
            del self._hidden[key]
        due = [entry for entry in self._late if self._over(entry[0])]
        self._late = [entry for entry in self._late if entry not in due]
        for _, change in due:
            change()

    # Before a call

    def before(self, call: Call) -> Answer | None:
        """The refusal of a call that names what is not seen yet."""
        if self.settings is None:
            return None
        self._calls += 1
        self._tidy()
        if not self._hidden:
            return None
        named = leaves(call.members)
        for hidden in self._current("resource"):
            if self._names(call, named, hidden) and call.action not in hidden.kind.failures:
                self._look(hidden)
                return error_answer(call, *self._answer(call, hidden))
        return self._attribute(call) or self._gateway(call) or self._role(call)

    def _answer(self, call: Call, hidden: Hidden) -> tuple[int, str, str]:
        code, text, status = refusal_of(hidden.kind, call.service, call.action, hidden.identifier, hidden.name)
        return status, code, text

    def _names(self, call: Call, named: list[tuple[str, str]], hidden: Hidden) -> bool:
        kind = hidden.kind
        making = (call.service, call.action) == (kind.service, kind.create)
        for key, value in named:
            if hidden.identifier and value == hidden.identifier:
                return True
            if making or not hidden.name or call.service != kind.service:
                continue
            if key in kind.known_by and value == hidden.name:
                return True
        return False

    def _attribute(self, call: Call) -> Answer | None:
        if call.action not in ("DescribeVpcAttribute", "ModifyVpcAttribute"):
            return None
        hidden = self._hidden.get(("attribute", call.members.get("VpcId", "")))
        if hidden is None:
            return None
        self._look(hidden)
        return error_answer(call, *self._answer(call, hidden))

    def _gateway(self, call: Call) -> Answer | None:
        if call.name != "elasticloadbalancing:CreateLoadBalancer" or call.members.get("Scheme") == "internal":
            return None
        for hidden in self._current("attachment"):
            if _in_network(call, hidden.identifier):
                self._look(hidden)
                return error_answer(call, 400, "InvalidSubnet", f"VPC {hidden.identifier} has no internet gateway")
        return None

    def _role(self, call: Call) -> Answer | None:
        """A policy that names a role which IAM has not spread yet."""
        if call.action not in POLICIES:
            return None
        text = " ".join([value for _, value in leaves(call.members)] + [call.body.decode("utf-8", "replace")])
        for hidden in self._current("principal"):
            if f'"{hidden.identifier}"' in text.replace("\\", "") and (call.service, "role-principal") in ELSEWHERE:
                self._look(hidden)
                code, sentence = ELSEWHERE[(call.service, "role-principal")]
                return error_answer(call, 400, code, sentence.format(id=hidden.identifier))
        return None

    def gateway_seen(self, network: str) -> bool:
        """Whether a network's gateway is seen to be attached; for NAT gateways, which fail without."""
        return ("attachment", network) not in self._hidden

    def role_assumable(self, arn: str) -> bool:
        """Whether a task can assume a role already."""
        hidden = self._hidden.get(("assume", arn))
        if hidden is None:
            return True
        self._look(hidden)
        return False

    def role_spreads(self, service: str) -> bool:
        """Whether a service-linked role that is there needs more time; one look of it."""
        hidden = self._hidden.get(("linked", service))
        if hidden is None:
            return False
        self._look(hidden)
        return True

    def linked_role_made(self, service: str) -> None:
        self._keep(self._draw("linked", None, service))

    def change_late(self, name: str, change: Callable[[], None]) -> bool:
        """Carry a change out only when it has been looked for some times; False: carry it out now."""
        hidden = self._draw("change", None, name)
        if hidden is None:
            return False
        self.counts["hidden"] += 1
        self._late.append((hidden, change))
        return True

    def carry_out(self, name: str) -> None:
        """Carry out what is still late of this one."""
        due = [entry for entry in self._late if entry[0].identifier == name]
        self._late = [entry for entry in self._late if entry not in due]
        for _, change in due:
            change()

    # After a call

    def after(self, call: Call, answer: Answer) -> Answer:
        """Take out of the answer what is not seen yet, and remember what is new."""
        if self.settings is None or answer is None or not 200 <= answer[0] < 300:
            return answer
        status, headers, content = answer
        kind = BY_CREATE.get((call.service, call.action))
        if kind is not None:
            self._remember(call, kind, content)
            return answer
        if call.name == "ec2:AttachInternetGateway":
            self._keep(self._draw("attachment", None, call.members.get("VpcId", "")))
            return answer
        if call.mutating or not isinstance(content, bytes) or not (self._hidden or self._late):
            return answer
        content = self._edited(call, content)
        if call.action == "DescribeDBInstances":
            for hidden, _ in self._late:
                self._look(hidden)
        return status, [pair for pair in headers if pair[0].lower() != "content-length"], content

    def _remember(self, call: Call, kind: Kind, content: bytes) -> None:
        name = str(call.members.get(kind.name) or "") if kind.name else ""
        identifier = next((found for found in (read_id(content, path) for path in kind.ids) if found), "")
        key = f"{kind.kind}:{identifier or name}:{call.region}"
        if key in self._known or not (identifier or name):
            return
        self._known.add(key)
        self.counts["new"] += 1
        self._keep(self._draw("resource", kind, identifier, name))
        self._keep(self._draw("tags", kind, identifier, name))
        if kind.kind == "vpc":
            self._keep(self._draw("attribute", kind, identifier))
        if kind.kind == "role":
            self._keep(self._draw("principal", kind, identifier))
            self._keep(self._draw("assume", kind, identifier))

    def _keep(self, hidden: Hidden | None) -> None:
        if hidden is None:
            return
        self._hidden[(hidden.what, hidden.identifier or f"{hidden.kind.kind}:{hidden.name}")] = hidden
        self.counts["hidden"] += hidden.what == "resource"

    def _edited(self, call: Call, content: bytes) -> bytes:
        looked: dict[int, Hidden] = {}

        def matcher(what: str) -> Callable[[str, str, str], bool]:
            wanted = self._current(what)

            def matches(listing: str, name: str, text: str) -> bool:
                for hidden in wanted:
                    if _lists(call, hidden, listing, name, text):
                        looked[id(hidden)] = hidden
                        return True
                return False

            return matches

        unseen, untagged = matcher("resource"), matcher("tags")
        by_tags = any(str(entry.get("Name", "")).startswith("tag") for entry in call.members.get("Filters") or [])

        def hide(listing: str, name: str, text: str) -> bool:
            # What has no tags yet is not found by them.
            return unseen(listing, name, text) or (
                (by_tags or listing == "ResourceTagMappingList") and untagged(listing, name, text))

        edited = edit(content, hide, untagged)
        missing = [hidden.identifier for hidden in looked.values()
                   if hidden.what == "resource" and call.action in hidden.kind.failures]
        if missing:
            edited = report_missing(edited, missing)
        content = self._untagged(call, edited if looked else content, looked)
        for hidden in looked.values():
            self._look(hidden)
        return self._attaching(call, content)

    def _attaching(self, call: Call, content: bytes) -> bytes:
        """A gateway whose attachment is not through yet says so."""
        if call.action != "DescribeInternetGateways":
            return content
        for hidden in self._current("attachment"):
            network = f"<vpcId>{hidden.identifier}</vpcId>".encode()
            edited = re.sub(rb"<item>(?:(?!</?item>).)*" + network + rb"(?:(?!</?item>).)*</item>",
                            lambda found: found.group(0).replace(b"available<", b"attaching<"), content, flags=re.DOTALL)
            if edited != content:
                content = edited
                self._look(hidden)
        return content

    def _untagged(self, call: Call, content: bytes, looked: dict[int, Hidden]) -> bytes:
        """Calls that answer the tags of one resource alone."""
        if not call.action.startswith(("ListTags", "ListRoleTags", "ListPolicyTags", "GetBucketTagging", "GetRole")):
            return content
        named = leaves(call.members)
        for hidden in self._current("tags"):
            if self._names(call, named, hidden):
                looked[id(hidden)] = hidden
                return edit(content, lambda listing, name, text: listing in ("Tags", "TagList", "tags", "TagSet") and bool(name),
                            lambda *_: False)
        return content


def _lists(call: Call, hidden: Hidden, listing: str, name: str, text: str) -> bool:
    """Whether this element of an item of a list identifies what is hidden."""
    if listing == "ResourceTagMappingList":
        return bool(hidden.identifier) and text.endswith(hidden.identifier)
    if listing in ("TagDescriptions", "tagSet") and name in ("ResourceArn", "resourceId"):
        return hidden.what == "tags" and text == hidden.identifier
    return call.service == hidden.kind.service and any(
        (listing, name) == pair and text in (hidden.identifier, hidden.name) for pair in hidden.kind.lists)


def _in_network(call: Call, network: str) -> bool:
    from moto.ec2.models import ec2_backends

    from . import ACCOUNT

    wanted = set(call.members.get("Subnets") or []) | {
        mapping.get("SubnetId") for mapping in call.members.get("SubnetMappings") or []}
    zones = ec2_backends[ACCOUNT][call.region].subnets.values()
    return any(subnet.id in wanted and subnet.vpc_id == network for zone in zones for subnet in zone.values())


LAG = Lag()
