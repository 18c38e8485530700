"""Other people's magics on the oldest and the newest IPython: taken over, given back, and left alone where they moved."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bases import Base

pytestmark = [pytest.mark.kernel, pytest.mark.index]

OWNER = "print(get_ipython().find_line_magic('pip').__self__.__class__.__name__)"
HOOKS = """
ip = get_ipython()
print(
    [f for e in ('pre_run_cell', 'post_run_cell') for f in ip.events.callbacks[e] if 'sessionpkgs' in getattr(f, '__module__', '')],
    [f for f in ip.input_transformers_cleanup if 'sessionpkgs' in getattr(f, '__module__', '')],
    sorted(key for key in getattr(ip.strdispatchers.get('complete_command'), 'strs', {}) if 'pip' in key or 'session' in key),
    'session_env' in ip.magics_manager.magics['line'],
)
"""
MINE = "def mine(line): print('mine', line)\nget_ipython().register_magic_function(mine, 'line', 'pip')"


@pytest.mark.parametrize("versions", [("ipython==8.18.*", "ipykernel==6.29.*"), ("ipython>=9", "ipykernel>=7")])
def test_load_and_unload_twice_give_back_what_was_there(tmp_path: Path, home: Path, versions: tuple[str, str]) -> None:
    base = Base(tmp_path, home)
    base.fetch(*versions)
    with base.kernel() as kernel:
        assert versions[0].strip("ipython=>*.") in kernel.run("import IPython; print(IPython.__version__)")
        stock = kernel.run("%pip --version")
        for _ in range(2):
            kernel.run("%load_ext sessionpkgs")
            assert kernel.run(OWNER) == "Packages"
            assert kernel.run("%pip --version") == stock
            assert "ipykernel" in kernel.run("%pip list")
            done = kernel.run("print(get_ipython().complete('ipyk', '%pip install ipyk')[1])")
            assert "'ipykernel'" in done
            done = kernel.run("print(get_ipython().complete('w', '%session_env w')[1])")
            assert "'why'" in done
            kernel.run("%unload_ext sessionpkgs")
            assert kernel.run(OWNER) == "PackagingMagics"
            assert kernel.run("%pip --version") == stock
            assert kernel.run(HOOKS) == "[] [] [] False"
        kernel.run("%load_ext sessionpkgs")
        kernel.run(MINE)
        kernel.run("%unload_ext sessionpkgs")
        assert kernel.run("%pip anything") == "mine anything"
