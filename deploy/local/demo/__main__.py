"""`python -m deploy.local.demo`: play the demo against the running stack and print what came of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import httpx

from deploy.local.demo.progress import Progress
from deploy.local.demo.story import Story, StoryError
from deploy.local.demo.summary import render_summary


def main() -> int:
    """Play, print the summary and keep it for later runs; on failure say in one line what broke."""
    progress = Progress()
    try:
        result = Story.from_environment(progress).play()
    except (StoryError, httpx.HTTPError) as error:
        progress.fail(str(error))
        return 1
    text = render_summary(result)
    path = os.environ.get("TOLLGATE_DEMO_SUMMARY")
    if path:
        keep(Path(path), text)
    print(text, flush=True)
    return 0


def keep(path: Path, text: str) -> None:
    """Write the summary for its owner only, since it holds passwords and a key of this machine's demo."""
    draft = path.with_suffix(".draft")
    draft.touch(mode=0o600)
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


if __name__ == "__main__":
    sys.exit(main())
