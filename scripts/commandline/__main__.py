"""``python3 -m scripts.commandline ROOT``: the files, where Debian's packages have them."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

from appliance import __version__
from appliance.cli.main import parser
from scripts.commandline import completions, man
from scripts.commandline.commands import commands


def files() -> dict[str, bytes]:
    """Each file by its path below the root."""
    top = parser()
    tree = commands(top)
    page = man.page(tree, top.epilog or "", __version__)
    return {
        # No time in its header: the same sources give the same file.
        "usr/share/man/man1/mattebox.1.gz": gzip.compress(page.encode(), 9, mtime=0),
        "usr/share/bash-completion/completions/mattebox": completions.bash(tree).encode(),
        "usr/share/fish/vendor_completions.d/mattebox.fish": completions.fish(tree).encode(),
        "usr/share/zsh/vendor-completions/_mattebox": completions.zsh(tree).encode(),
    }


def main(root: Path) -> None:
    """Write them all."""
    for name, data in files().items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(0o644)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
