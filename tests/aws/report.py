"""The report of a run: JSON for programs, Markdown to be read and sent in. It names no key, and the account by its last digits."""

import json
import time


class Report:
    def __init__(self, folder, about):
        self.folder, self.about = folder, about
        self.phases, self.leftovers = [], {}
        self.begun = time.time()

    def phase(self, name, result, seconds, detail="", resources=()):
        self.phases.append({"phase": name, "result": result, "seconds": round(seconds, 1), "detail": detail,
                            "resources": list(resources)})
        self.write()

    @property
    def failed(self):
        return [phase["phase"] for phase in self.phases if phase["result"] == "failed"]

    def write(self):
        data = {**self.about, "seconds": round(time.time() - self.begun, 1), "failed": self.failed, "phases": self.phases,
                "leftovers": self.leftovers}
        (self.folder / "report.json").write_text(json.dumps(data, indent=2) + "\n")
        (self.folder / "report.md").write_text(self.markdown(data))

    def markdown(self, data):
        lines = ["# circles-infra on AWS", ""]
        lines += [f"- {name}: {value}" for name, value in self.about.items()]
        lines += ["", "| phase | result | seconds |", "|---|---|---|"]
        lines += [f"| {p['phase']} | {p['result']} | {p['seconds']} |" for p in self.phases]
        for phase in self.phases:
            if phase["resources"]:
                lines += ["", f"## {phase['phase']}: time of each resource", "", "| resource | change | seconds |", "|---|---|---|"]
                slowest = sorted(phase["resources"], key=lambda resource: -resource["seconds"])
                lines += [f"| {r['address']} | {r['verb']} | {r['seconds']} |" for r in slowest]
            if phase["detail"]:
                lines += ["", f"## {phase['phase']}: {phase['result']}", "", "```text", phase["detail"], "```"]
        if self.leftovers:
            lines += ["", "## Left over", ""]
            lines += [f"- {stack}: {arn}" for stack, arns in self.leftovers.items() for arn in arns]
        return "\n".join(lines) + "\n"


def resources(events):
    """The time of each resource, from the lines of `apply --json`."""
    done = []
    for line in events.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and event.get("event") == "step_done" and not event.get("nothing"):
            took = event["took"]
            seconds = took if isinstance(took, (int, float)) else took["secs"] + took["nanos"] / 1e9
            done.append({"address": event["address"], "verb": event["verb"], "seconds": round(seconds, 1)})
    return done
