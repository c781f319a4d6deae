"""The list of packages, and cards of what ships; everything else is in pyproject.toml."""

import json
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py


class BuildWithCards(build_py):
    """Leaves out of a card's digests the files that do not ship: they would count as missing."""

    def run(self):
        super().run()
        if self.editable_mode:  # the files are those of the repository
            return
        folder = Path(self.build_lib, "tfxai", "pretrained")
        for path in folder.glob("*.json"):
            card = json.loads(path.read_text(encoding="utf-8"))
            if "sha256" in card:
                digests = card["sha256"].items()
                card["sha256"] = {name: one for name, one in digests if (folder / name).exists()}
                path.unlink()  # it may be a link to the repository's
                path.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


setup(
    packages=[*find_packages(include=["tfxai", "tfxai.*"]), "tfxai.pretrained"],
    cmdclass={"build_py": BuildWithCards},
)
