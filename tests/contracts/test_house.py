"""Promises the project makes about itself: what it ships, names and never mentions."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import taximeter

ROOT = Path(__file__).parents[2]


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return [ROOT / line for line in listed.splitlines() if (ROOT / line).is_file()]


def test_the_changelog_tells_of_this_version() -> None:
    assert f"## [{taximeter.__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_lock_files_carry_hashes_and_no_address() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text()
        assert "--hash=sha256:" in text, path
        assert not re.search(r"https?://|--index-url|--find-links", text), path


def test_no_key_and_no_content_of_a_provider_is_in_the_tree() -> None:
    pattern = re.compile(rb"sk-[A-Za-z0-9]{20,}|AKIA[A-Z0-9]{16}|ghp_[A-Za-z0-9]{30,}")
    assert [str(path) for path in tracked() if pattern.search(path.read_bytes())] == []


def test_every_link_between_documents_leads_somewhere() -> None:
    missing = [
        f"{path.relative_to(ROOT)} -> {target}"
        for path in tracked()
        if path.suffix == ".md"
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", path.read_text())
        if not (path.parent / target).exists()
    ]
    assert missing == []


def test_every_command_is_documented() -> None:
    help_text = (ROOT / "docs" / "cli.md").read_text()
    commands = [
        "serve",
        "demo",
        "doctor",
        "check",
        "explain",
        "import",
        "costs",
        "requests",
        "prices",
        "owners",
        "digest",
        "status",
        "dead-letters",
        "rules",
        "ledger",
    ]
    assert [name for name in commands if f"taximeter {name}" not in help_text] == []
