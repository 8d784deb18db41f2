"""What `storefront_mcp/web` loads: nothing of uvicorn, so that it works behind any version and any ASGI server."""

import pkgutil
import subprocess
import sys

import storefront_mcp.web

LOADED = "import importlib, sys; [importlib.import_module(each) for each in sys.argv[1:]]; print(*sys.modules)"


def test_no_module_of_uvicorn_is_loaded_with_web() -> None:
    modules = [f"storefront_mcp.web.{module.name}" for module in pkgutil.iter_modules(storefront_mcp.web.__path__)]
    loaded = subprocess.run([sys.executable, "-c", LOADED, *modules], check=True, capture_output=True, text=True).stdout
    assert set(modules) <= set(loaded.split())
    assert not [name for name in loaded.split() if name.split(".")[0] == "uvicorn"]
