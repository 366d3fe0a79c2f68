"""Ship `hookspecs.py` a second time, as stubs: a single module can't carry a typing marker."""

from __future__ import annotations

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithStubs(build_py):
    """Copy the contract page beside itself as `hookspecs-stubs/__init__.pyi`."""

    def run(self) -> None:
        """Build as ever, then add the stubs (an editable install reads the page itself)."""
        super().run()
        if not self.editable_mode:
            stubs = Path(self.build_lib) / "hookspecs-stubs"
            self.mkpath(str(stubs))
            self.copy_file("hookspecs.py", str(stubs / "__init__.pyi"))


setup(cmdclass={"build_py": BuildWithStubs})
