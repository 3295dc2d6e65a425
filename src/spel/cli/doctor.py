"""``spel doctor``: what is installed, and how to install what is missing."""

from __future__ import annotations

import json
from typing import Any

import click

from spel.cli.messages import ExitCode
from spel.cli.options import Settings, shared


@click.command("doctor")
@click.option("--self-test", is_flag=True, help="Also compute, write files, and kill a worker.")
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON object.")
@shared
def command(self_test: bool, as_json: bool, settings: Settings) -> None:
    """Print what is installed, which engine runs, and how to install what is missing.

    The exit code is 3 if something that spel needs is missing or does not work; a missing extra
    is no error.
    """
    from spel.cli.installation import installation

    facts = installation()
    if self_test:
        facts["self_test"] = _self_test(settings)
        facts["problems"] += [f"{k}: {v}" for k, v in facts["self_test"].items() if v != "good"]
    click.echo(json.dumps(facts) if as_json else _text(facts))
    raise SystemExit(ExitCode.BAD_INPUT if facts["problems"] else ExitCode.GOOD)


def _self_test(settings: Settings) -> dict[str, str]:
    from spel.cli.self_test import checks

    results = {}
    for name, check in checks().items():
        try:
            problem = check()
        except Exception as error:  # any failure is a result of the test
            problem = f"{type(error).__name__}: {error}"
        results[name] = problem or "good"
        settings.say(f"{name}: {results[name]}")
    return results


def _text(facts: dict[str, Any]) -> str:
    engine = facts["engine"]
    memory = f", {facts['memory_mb']} MB of memory" if facts["memory_mb"] else ""
    lines = [
        f"spel {facts['spel']} · Python {facts['python']} · {facts['system']} · "
        f"{facts['cores'] or '?'} cores{memory}",
        f"engine: {engine.get('kernels')} kernels, {engine.get('isa')} "
        f"(this processor can {', '.join(engine.get('available') or []) or 'nothing else'}), "
        f"{engine.get('threads')} threads, {engine.get('compiler') or 'not compiled'}",
        "packages: " + ", ".join(f"{n} {v or 'MISSING'}" for n, v in facts["packages"].items()),
    ]
    for name, extra in facts["extras"].items():
        have = ", ".join(f"{module} {v}" for module, v in extra["packages"].items() if v)
        lines.append(
            f"extra {name}: {have}"
            if extra["installed"]
            else f"extra {name}: not installed ({extra['for']}); {extra['install']}"
        )
    lines += [f"{name}={value}" for name, value in facts["environment"].items()]
    lines += [f"PROBLEM: {problem}" for problem in facts["problems"]]
    return "\n".join([*lines, "all good" if not facts["problems"] else "see the problems above"])
