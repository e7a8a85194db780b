"""Every test marked `gap` must fail on plain moto, else it shows nothing. Run: python check_gaps.py"""

import os
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml


def main() -> int:
    """0 when each marked test failed on plain moto; otherwise 1 and the names of those that did not."""
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "report.xml"
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-m", "gap", "-p", "no:cacheprovider", f"--junitxml={report}",
             str(pathlib.Path(__file__).parent)],
            env={**os.environ, "SANDBOX_PLAIN": "1"}, stdout=subprocess.DEVNULL, check=False)
        cases = list(xml.parse(report).iter("testcase"))
    passed = [case.get("name") for case in cases if case.find("failure") is None]
    broken = [case.get("name") for case in cases if case.find("error") is not None]
    print(f"{len(cases)} tests of gaps: {len(cases) - len(passed)} fail on plain moto, {len(passed)} do not")
    for name in passed:
        print(f"  does not fail there: {name}")
    for name in broken:
        print(f"  does not even start there: {name}")
    return 1 if passed or broken or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
