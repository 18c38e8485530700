"""``sessionpkgs closure``."""

from __future__ import annotations

import argparse
from typing import Any


def add(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Put the command's words among *commands*; *shared* has the options that all have."""
    del commands, shared
