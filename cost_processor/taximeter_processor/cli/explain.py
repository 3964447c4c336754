"""`taximeter explain`: OTLP JSON in, one JSON line a span out: what it is, what it costs, and why.

The shape of the line is a contract, documented in `docs/explain.md`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from taximeter_processor.cli import access
