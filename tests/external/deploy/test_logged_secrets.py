"""Nothing secret stands in any log, with however many workers, with or without an access log."""

from pathlib import Path

import httpx
import pytest

from storefront_mcp.web.security import SECRET_PREFIXES
from tests.external.deploy.processes import serving, settings_file, told
from tests.external.deploy.proxies import LAYOUTS, PROXIES, Layout, fronted
from tests.serving import free_port, until

pytestmark = pytest.mark.slow

PAGE = "pay5ecretPageOfABuyerAsLongAsTheTokenOfACart"
SIGN_IN = "once5ecretOfAnOperator"
QUERY = "query5ecretOfAClient"
KEY = "sfm_4fQk8Zr1LmN_" + "a1B2c3D4e5F6g7H8"
TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJib2IifQ.c2lnbmF0dXJl"
PERSONAL = "c3RvcmVmcm9udC1tY3AtdGVzdC1rZXktMzItYnl0ZXM="
SECRETS = (PAGE, SIGN_IN, QUERY, KEY, TOKEN, TOKEN.split(".")[1], PERSONAL)


@pytest.mark.parametrize("access_log", [False, True], ids=["no access log", "an access log"])
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_no_secret_is_logged(workers: int, access_log: bool, tmp_path: Path) -> None:
    port = free_port()
    logs = f'[logs]\nlevel = "debug"\nrequests = {str(access_log).lower()}\n'
    settings_file(
        tmp_path, port, kind="maho", more=', url = "http://127.0.0.1:9"', below="console = { on = true }\n" + logs
    )
    variables = {"STOREFRONT_PERSONAL_DATA__KEY": PERSONAL}
    with serving(tmp_path, port, "--workers", str(workers), variables=variables):
        # Each is a connection of its own, so that every worker is asked.
        for _ in range(4 * workers):
            for path, headers in (
                (f"/pay/{PAGE}", {}),
                (f"/PAY/{PAGE}/", {}),
                (f"/sandbox/pay/{PAGE}", {}),
                (f"/operator/sign-in?once={SIGN_IN}", {}),
                (f"/mcp?access_token={QUERY}", {}),
                (f"/-eyJ{TOKEN}", {}),
                ("/mcp/token", {"authorization": f"Bearer {KEY}"}),
                ("/mcp", {"authorization": f"Bearer {TOKEN}", "cookie": f"operator={SIGN_IN}"}),
                ("/nothing%7f%0a", {"referer": f"http://127.0.0.1:{port}/pay/{PAGE}"}),
            ):
                httpx.get(f"http://127.0.0.1:{port}{path}", headers=headers)
        if access_log:
            until(lambda: "/pay/… 404" in told(tmp_path, port), "the access log")
    said = told(tmp_path, port)
    assert [secret for secret in SECRETS if secret in said] == []
    assert ("/healthz" in said) == access_log


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("proxy", PROXIES)
def test_a_proxy_logs_no_address_that_is_a_key_while_the_server_is_away(proxy: str, layout: Layout) -> None:
    ours = ["mcp/sse", *(prefix.strip("/") for prefix in SECRET_PREFIXES)]
    own = [] if layout == "same-origin" else ["oauth/consent", "operator/sign-in"]
    with fronted(proxy, layout, port=free_port(), upstream=free_port()) as front:
        for path in (*ours, *own):
            for address in (f"/{path}/{PAGE}", f"/{path}/{PAGE}?once={PAGE}"):
                answer = httpx.get(front.origin + address, headers={"referer": f"{front.origin}/pay/{PAGE}"})
                assert answer.status_code == 502, address
        assert httpx.get(f"{front.origin}/mcp").status_code == 502
        logged = front.logged()
    assert PAGE not in logged
    assert "/mcp" in logged
