"""One of the workers that renew subscriptions together, as a process of its own.

It says that it is ready, waits for a line, closes what is due until there is nothing left, and answers with its counts and its
seconds of processor as JSON. It ends when its input does, so that its connection can be looked at until then.
"""

from __future__ import annotations

import json
import sys
import time

import django


def main() -> None:
    """Serve one order."""
    django.setup()
    from apps.billing.services.periods import close_due_periods  # noqa: PLC0415 -- after django.setup()
    from apps.core.actors import Actor  # noqa: PLC0415 -- see above
    from apps.core.ids import uuid7  # noqa: PLC0415 -- see above

    # Of nobody: now everything is imported and connected.
    close_due_periods(actor=Actor.system("benchmark"), organization_id=uuid7())
    print("ready", flush=True)
    sys.stdin.readline()
    before_s = time.process_time()
    counts = close_due_periods(actor=Actor.system("benchmark"))
    answer = {"closed": counts["closed"], "cpu_s": time.process_time() - before_s}
    print(json.dumps(answer), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
