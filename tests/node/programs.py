"""The programs in Node that judge the server: how they are built, and how one is run. Knows nothing of the server."""

import asyncio
import shutil
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
SCHEMA = HERE.parents[1] / "schema.graphql"
DOCUMENTS = [HERE.parent / "clients" / f"{name}.graphql" for name in ("dashboard", "mobile", "integrator")]
NODE, NPM = shutil.which("node"), shutil.which("npm")
PATIENCE = 120.0
"""Seconds for a program to end; the first installation fetches packages."""


@dataclass(frozen=True)
class Programs:
    """The programs, built in `folder`, with what they need installed in `packages`: that may outlast a run."""

    folder: Path
    packages: Path

    async def build(self) -> None:
        """Installs what is missing, generates the types of the clients' operations, and compiles.

        Fails when a type does not fit.
        """
        assert NODE
        assert NPM
        shutil.copy(HERE / "package.json", self.packages)
        await _succeed(NPM, "install", "--no-audit", "--no-fund", "--no-package-lock", cwd=self.packages)
        for source in (*HERE.glob("*.json"), *HERE.glob("*.mjs"), *HERE.glob("*.ts")):
            shutil.copy(source, self.folder)
        beside = self.folder / "node_modules"
        beside.unlink(missing_ok=True)
        beside.symlink_to(self.packages / "node_modules")
        await _succeed(NODE, "generate.mjs", str(SCHEMA), *map(str, DOCUMENTS), cwd=self.folder)
        await _succeed(NODE, "node_modules/typescript/bin/tsc", cwd=self.folder)

    async def run(self, *arguments: str) -> tuple[int | None, str]:
        """Runs one of the programs with its arguments, to its end: its exit status and what it printed."""
        assert NODE
        return await _end(NODE, *arguments, cwd=self.folder)


async def _succeed(*command: str, cwd: Path) -> None:
    status, said = await _end(*command, cwd=cwd)
    assert status == 0, said


async def _end(*command: str, cwd: Path) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(PATIENCE):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, said.decode()
