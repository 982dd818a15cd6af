"""Pulls a model with lantern from a server on 127.0.0.1, and lets huggingface_hub find it without a network.

    python -P tools/parity/hub.py [PROGRAM]

PROGRAM is .build/release/lantern unless another is named.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

root = Path(__file__).parents[2]
sys.path.insert(0, str(root / "tools" / "fixtures"))
import hub  # noqa: E402

program = sys.argv[1] if len(sys.argv) > 1 else str(root / ".build" / "release" / "lantern")
with tempfile.TemporaryDirectory() as home:
    os.environ.update(HF_HOME=home, HF_ENDPOINT=hub.start())
    for repository, variant in ("all", "fp16"), ("shards", None):
        words = [program, "pull", f"me/{repository}", *(["--variant", variant] if variant else [])]
        folder = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        taken = sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file())
        # A process of its own: the variables are read when it is imported.
        script = (
            "from huggingface_hub import hf_hub_download, scan_cache_dir, snapshot_download\n"
            f"for path in {taken!r}: print(hf_hub_download('me/{repository}', path))\n"
            f"print(snapshot_download('me/{repository}'))\n"
            "cache = scan_cache_dir()\n"
            "assert not cache.warnings, cache.warnings\n"
            f"print(sum(repo.nb_files for repo in cache.repos if repo.repo_id == 'me/{repository}'))\n"
        )
        found = subprocess.run(
            [sys.executable, "-P", "-c", script], check=True, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_ENDPOINT": "http://127.0.0.1:9"},
        ).stdout.split("\n")
        assert found[: len(taken)] == [f"{folder}/{path}" for path in taken], found
        assert found[len(taken)] == folder, found
        for path in taken:
            assert Path(folder, path).read_bytes() == hub.content(path), path
        print(f"me/{repository} {variant or ''}: Python finds {len(taken)} files offline, no warnings")
