"""From file and environment to settings, or to every problem at once."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import fields

from storefront_mcp.commerce.store import ServerIdentity
from storefront_mcp.settings import Settings, SettingsInvalid, demo_settings

STORE = """
[[store]]
id = "pickle"
origin = "https://pickle.example"
name = "Pickle Warehouse"
currency = "AUD"
"""
UPSTREAM = """
[store.upstream]
kind = "maho"
url = "https://shop.pickle.example"
"""
MINIMAL = STORE + UPSTREAM
SPEAKER = ServerIdentity(name="a/b", version="1", protocol_versions=("x",), preferred_version="x")


def load(path: Path, text: str, **env: str) -> Settings:
    file = path / "storefront.toml"
    file.write_text(text, encoding="utf-8")
    return Settings.load(file, env)


def problems(path: Path, text: str, **env: str) -> list[str]:
    with pytest.raises(SettingsInvalid) as broken:
        load(path, text, **env)
    first, *lines = str(broken.value).splitlines()
    assert first == f"{path / 'storefront.toml'} cannot be used:"
    return [line.removeprefix("  ") for line in lines]


def test_a_minimal_file_is_enough(tmp_path: Path) -> None:
    settings = load(tmp_path, MINIMAL)
    assert Path(settings.database) == tmp_path / "storefront.db"
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8000, 1)
    assert settings.flags.provider is None
    (store,) = settings.stores
    assert store.upstream.timeouts.total == 30.0
    assert store.store(SPEAKER).url("/mcp") == "https://pickle.example/mcp"
    assert store.store(SPEAKER).launch is None


DEMO = STORE + '[store.upstream]\nkind = "demo"\n'
ONE_WORKER = (
    "workers: wants 1, as each worker would have a demo shop of its own for pickle; got {}. For more, run "
    'storefront-mcp demo-shop and set kind = "maho" with its address as url.'
)


def test_a_demo_shop_lives_in_one_worker(tmp_path: Path) -> None:
    assert load(tmp_path, DEMO).workers == load(tmp_path, "workers = 1\n" + DEMO).workers == 1
    assert problems(tmp_path, "workers = 2\n" + DEMO) == [ONE_WORKER.format(2)]
    assert problems(tmp_path, DEMO, STOREFRONT_WORKERS="4") == [ONE_WORKER.format(4)]
    assert load(tmp_path, "workers = 2\n" + DEMO, STOREFRONT_WORKERS="1").workers == 1
    assert load(tmp_path, "workers = 2\n" + MINIMAL).workers == 2


@pytest.mark.parametrize(("host", "metrics"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::1", "::")])
def test_metrics_have_a_port_of_their_own(tmp_path: Path, host: str, metrics: str) -> None:
    server = f'host = "{host}"\nport = 9000\n'
    exporter = f'[metrics]\non = true\nhost = "{metrics}"\nport = 9000\n'
    told = ["metrics.port: wants a port of its own; the server itself listens on 9000."]
    assert problems(tmp_path, server + exporter + MINIMAL) == told
    assert load(tmp_path, server + exporter.replace("port = 9000", "port = 9001") + MINIMAL).metrics.port == 9001


def test_passwords_have_no_place_in_addresses_and_are_not_repeated(tmp_path: Path) -> None:
    given = STORE + '[store.upstream]\nkind = "maho"\nurl = "https://ada:dill-and-garlic@shop.example"\n'
    (told,) = problems(tmp_path, given)
    assert "without a user name or password" in told
    assert "dill-and-garlic" not in told
    shared = problems(tmp_path, MINIMAL, STOREFRONT_LIMITS_STORE="valkeyy://:dill-and-garlic@127.0.0.1/0")
    assert "valkeyy://…@127.0.0.1" in shared[0]
    assert "dill-and-garlic" not in shared[0]


def test_everything_that_can_be_set_arrives(tmp_path: Path) -> None:
    text = (
        'database = "data/shop.db"\nhost = "0.0.0.0"\nport = 9000\nworkers = 4\n'
        '[flags]\nprovider = "shop.flags:made"\npoll = 2\nkey = "{store}/{phase}"\n[flags.options]\nhost = "flags"\n'
        + STORE
        + 'tagline = "Pickles."\ndescription = "All pickles."\nversion = "2.0"\nserver_name = "au.pickle/shop"\n'
        'locale = "en-AU"\nicon = "https://pickle.example/i.svg"\ndocumentation = "https://pickle.example/d"\n'
        'privacy_policy = "https://pickle.example/p"\nwebsite = "https://www.pickle.example"\n'
        'pages = ["shipping"]\nhosts = ["WWW.pickle.example", "pickle.example:8443"]\n'
        'allowed_origins = ["https://Agents.example:443"]\nroot_documents = false\nissuer = "https://login.example"\n'
        'security_contact = "mailto:security@pickle.example"\ncontent_signals = "search=yes"\n'
        "launch = 2027-02-01T09:00:00+10:00\n"
        + UPSTREAM
        + 'store_code = "au"\nprices_include_tax = false\n[store.upstream.timeouts]\nconnect = 1\nread = 2\ntotal = 3\n'
    )
    settings = load(tmp_path, text)
    assert Path(settings.database) == tmp_path / "data" / "shop.db"
    assert settings.flags.options == {"host": "flags"}
    (chosen,) = settings.stores
    assert chosen.identity_name == "au.pickle/shop"
    assert (chosen.upstream.store_code, chosen.upstream.prices_include_tax) == ("au", False)
    store = chosen.store(SPEAKER)
    assert store.hosts == ("www.pickle.example", "pickle.example:8443")
    assert store.allowed_origins == ("https://agents.example",)
    assert store.launch == "2027-02-01T09:00:00+10:00"
    assert dt.datetime.fromisoformat(store.launch).tzinfo is not None
    for name in ("tagline", "description", "version", "icon", "documentation", "privacy_policy", "website", "issuer"):
        assert getattr(store, name) == getattr(chosen, name)
        assert getattr(store, name)


ALL_ON_TOP = [member.encode_name for member in fields(Settings)]
CURRENCY = 'wants three capital letters of ISO 4217, such as "AUD"'
WRONG: list[Any] = [
    pytest.param(
        MINIMAL.replace("currency", "curency"),
        [
            "store[0].curency: there is no such setting; did you mean currency?",
            f"store[0].currency: is missing: {CURRENCY}.",
        ],
        id="misspelt",
    ),
    pytest.param(
        "zzz = 1\n" + MINIMAL,
        [f"zzz: there is no such setting; there are {', '.join(sorted(ALL_ON_TOP))}."],
        id="unknown",
    ),
    pytest.param(
        'port = "x"\nworkers = 0\n' + MINIMAL.replace('"AUD"', '"Dollars"'),
        [
            f"store[0].currency: {CURRENCY}; got 'Dollars'.",
            "port: wants a whole number from 1 to 65535; got 'x'.",
            "workers: wants a whole number from 1 to 256; got 0.",
        ],
        id="several at once",
    ),
    pytest.param("", ["store: is missing: wants one or several tables."], id="empty"),
    pytest.param("store = 3", ["store: wants one or several tables, [[store]]."], id="no table"),
    pytest.param(
        STORE + "upstream = 3",
        ["store[0].upstream: wants a table, [store.upstream]."],
        id="no inner table",
    ),
    pytest.param(
        MINIMAL.replace("https://pickle.example", "https://pickle.example/"),
        [
            (
                "store[0].origin: wants scheme and host without a path or a closing slash, such as "
                "\"https://pickle.example\"; got 'https://pickle.example/'."
            )
        ],
        id="origin with a slash",
    ),
    pytest.param(
        MINIMAL.replace("https://pickle.example", "http://pickle.example"),
        ["store[0].origin: wants https, as agents refuse anything else; got 'http://pickle.example'."],
        id="plain http",
    ),
    pytest.param(
        MINIMAL.replace("https://pickle.example", "https://pickle.example:99999"),
        ["store[0].origin: is no origin: its host or port cannot be read; got 'https://pickle.example:99999'."],
        id="port too large",
    ),
    pytest.param(
        STORE + "launch = 2027-02-01T09:00:00" + UPSTREAM,
        [
            (
                "store[0].launch: wants a date and time with an offset and without quotes, such as "
                "2027-02-01T09:00:00+10:00; got 2027-02-01T09:00:00."
            )
        ],
        id="launch without an offset",
    ),
    pytest.param(
        STORE + 'pages = ["Über uns"]' + UPSTREAM,
        ["store[0].pages: wants a list; each item a page's identifier, such as \"privacy-policy\"; got ['Über uns']."],
        id="list",
    ),
    pytest.param(
        STORE + 'security_contact = "ops"' + UPSTREAM,
        ["store[0].security_contact: wants a mailto: or https:// URL; got 'ops'."],
        id="optional",
    ),
    pytest.param(
        STORE + '[store.upstream]\nkind = "woo"',
        ['store[0].upstream.kind: wants "maho", "woocommerce", "medusa" or "demo"; got \'woo\'.'],
        id="unknown kind",
    ),
    pytest.param(
        STORE + '[store.upstream]\nkind = "woocommerce"\nurl = "https://shop.example"\nstore_code = "au"\n'
        'consumer_key = "ck_1"\n[store.payments]\nprovider = "sandbox"\n'
        "[store.sign_in]\non = true\n",
        [
            "store[0].upstream.consumer_secret: is missing: a key of the shop's REST API has a secret.",
            'store[0].upstream.store_code: is for kind = "maho"; the kind is "woocommerce".',
            (
                "store[0].payments.method: is missing: wants the shop's payment method that orders are placed with "
                'before they are paid at the provider, such as "cheque".'
            ),
            (
                "store[0].sign_in.on: wants personal_data.key, with which sessions of customers are encrypted: "
                "STOREFRONT_PERSONAL_DATA__KEY, or personal_data.key_file."
            ),
            (
                "store[0].sign_in.on: wants smtp.host and smtp.sender, as customers of this shop sign in by a code "
                "that is mailed to them."
            ),
        ],
        id="settings of another kind of shop",
    ),
    pytest.param(
        MINIMAL + 'consumer_key = "ck_1"\n',
        [
            "store[0].upstream.consumer_secret: is missing: a key of the shop's REST API has a secret.",
            'store[0].upstream.consumer_key: is for kind = "woocommerce"; the kind is "maho".',
        ],
        id="a key of another kind of shop",
    ),
    pytest.param(
        STORE + '[store.upstream]\nkind = "medusa"\nurl = "https://shop.example"\nstore_code = "au"\n'
        '[store.payments]\nprovider = "sandbox"\n',
        [
            'store[0].upstream.store_code: is for kind = "maho"; the kind is "medusa".',
            (
                'store[0].upstream.publishable_key: is missing: wants a publishable key of the shop, "pk_…", which its '
                "website has."
            ),
            (
                "store[0].payments.method: is missing: wants the shop's payment method that orders are placed with "
                'before they are paid at the provider, such as "pp_system_default".'
            ),
        ],
        id="settings of another kind of shop than Medusa",
    ),
    pytest.param(
        MINIMAL + 'publishable_key = "pk_1"\nregion = "Europe"\n',
        [
            'store[0].upstream.publishable_key: is for kind = "medusa"; the kind is "maho".',
            'store[0].upstream.region: is for kind = "medusa"; the kind is "maho".',
        ],
        id="a region of another kind of shop",
    ),
    pytest.param(
        STORE + '[store.upstream]\nkind = "maho"',
        ['store[0].upstream.url: is missing: wants the shop\'s address, such as "https://shop.example".'],
        id="no address",
    ),
    pytest.param(
        MINIMAL.replace('"maho"', '"demo"'),
        ['store[0].upstream.url: the demo shop is built in and has no address; drop it or set kind = "maho".'],
        id="address of the demo",
    ),
    pytest.param(
        MINIMAL + '[smtp]\nsender = "a@b.example"',
        ["smtp.host: is missing: sender cannot do without it."],
        id="no host",
    ),
    pytest.param(
        MINIMAL + '[alerts]\nurl = "http://alerts.example/x"\nmail_to = ["ops@pickle.example"]',
        [
            "alerts.url: wants https, as anybody could listen otherwise.",
            "alerts.secret: is missing: url cannot do without it.",
            "alerts.mail_to: wants [smtp], which says who takes our mail.",
        ],
        id="alerts",
    ),
    pytest.param(
        MINIMAL + '[alerts]\nmail_to = ["nobody"]',
        [
            (
                'alerts.mail_to: wants a list; each item an e-mail address, such as "orders@pickle.example"; '
                "got ['nobody']."
            )
        ],
        id="nobody to be told",
    ),
    pytest.param(
        MINIMAL + '[smtp]\nhost = "mail"\nsecurity = "none"\nusername = "me"',
        [
            "smtp.sender: is missing: wants the e-mail address that mails come from.",
            "smtp.password: is missing: a login has a name and a password.",
        ],
        id="mail",
    ),
    pytest.param(
        MINIMAL + "[store.payments.instructions]\nbanktransfer = 'To BSB 000-000'",
        ["store[0].payments.instructions.banktransfer: is for none of payments.offline, ()."],
        id="instructions",
    ),
    pytest.param(
        MINIMAL + "[store.upstream.timeouts]\nread = 40",
        ["store[0].upstream.timeouts.total: wants at least as many seconds as connect and read."],
        id="timeouts",
    ),
    pytest.param(
        MINIMAL * 2,
        ["store[1].id: pickle is store[0]'s already.", "store[1].origin: pickle.example is store[0]'s already."],
        id="twice",
    ),
    pytest.param(
        MINIMAL
        + MINIMAL.replace('"pickle"', '"paddle"')
        .replace("://pickle", "://paddle")
        .replace("currency", 'hosts = ["Pickle.example"]\ncurrency'),
        ["store[1].hosts: pickle.example is store[0]'s already."],
        id="host of another",
    ),
    pytest.param(
        MINIMAL + '[flags]\nkey = "open"',
        ["flags.key: wants {phase} in it, or several phases would share one flag; got 'open'."],
        id="one flag for all",
    ),
    pytest.param(
        MINIMAL + '[flags]\nkey = "{shop}.{phase}"',
        [
            (
                'flags.key: wants a text with {store} and {phase} in it, such as "storefront.{store}.{phase}"; '
                "got '{shop}.{phase}'."
            )
        ],
        id="unknown part of a key",
    ),
    pytest.param(
        MINIMAL + '[flags.options]\nsdk_key = "hush"',
        [
            (
                "flags.options.sdk_key: is a secret and has no place here; "
                "set STOREFRONT_FLAGS__OPTIONS__SDK_KEY, or sdk_key_file to a path."
            )
        ],
        id="secret in the open",
    ),
    pytest.param(
        MINIMAL + '[flags.options]\ntoken_file = "gone"',
        ["flags.options.token_file: gone cannot be read: No such file or directory."],
        id="secret file that is not there",
    ),
]


@pytest.mark.parametrize(("text", "expected"), WRONG)
def test_a_wrong_setting_is_told_by_name_with_the_fix(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert problems(tmp_path, text) == expected


def test_a_file_that_is_not_there_or_not_toml_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match=r"No such file or directory\. To write one: storefront-mcp init"):
        Settings.load(tmp_path / "storefront.toml", {})
    assert problems(tmp_path, "port = ") == ["it is not TOML: Invalid value (at end of document)"]


def test_a_secret_is_never_repeated_in_a_message(tmp_path: Path) -> None:
    assert "hush" not in "".join(problems(tmp_path, MINIMAL + '[flags.options]\napi_token = "hush"'))


def test_secrets_come_from_files_and_variables(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("from a file\n")
    settings = load(
        tmp_path,
        MINIMAL + '[flags.options]\npassword_file = "password"\nca_file = "ca.pem"',
        STOREFRONT_FLAGS__OPTIONS__SDK_KEY="from a variable",
    )
    assert settings.flags.options == {
        "password": "from a file",
        "sdk_key": "from a variable",
        "ca_file": "ca.pem",
    }


def test_variables_win_over_the_file(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        "port = 8000\n" + MINIMAL.replace('"pickle"', '"pickle-au"'),
        STOREFRONT_PORT="9000",
        STOREFRONT_DATABASE="/data/x.db",
        STOREFRONT_FLAGS__POLL="0.5",
        STOREFRONT_STORE__PICKLE_AU__ORIGIN="https://au.example",
        STOREFRONT_STORE__PICKLE_AU__HOSTS="a.example, b.example",
        STOREFRONT_STORE__PICKLE_AU__ROOT_DOCUMENTS="false",
        STOREFRONT_STORE__PICKLE_AU__LAUNCH="2027-02-01T09:00:00Z",
        STOREFRONT_STORE__PICKLE_AU__UPSTREAM__TIMEOUTS__TOTAL="60",
        STOREFRONT_CONFIG="elsewhere",
        PATH="/bin",
    )
    assert (settings.port, settings.database, settings.flags.poll) == (9000, "/data/x.db", 0.5)
    (store,) = settings.stores
    assert (store.origin, store.hosts, store.root_documents) == (
        "https://au.example",
        ("a.example", "b.example"),
        False,
    )
    assert store.launch == dt.datetime(2027, 2, 1, 9, tzinfo=dt.UTC)
    assert store.upstream.timeouts.total == 60.0


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("STOREFRONT_PROT", "1", "STOREFRONT_PROT: there is no such setting; did you mean port?"),
        (
            "STOREFRONT_PORT",
            "tcp://10.0.0.1",
            "STOREFRONT_PORT: wants a whole number from 1 to 65535; got 'tcp://10.0.0.1'.",
        ),
        (
            "STOREFRONT_STORE__PIKLE__NAME",
            "x",
            "STOREFRONT_STORE__PIKLE__NAME: there is no store pikle; there are pickle.",
        ),
        (
            "STOREFRONT_STORE__PICKLE",
            "x",
            "STOREFRONT_STORE__PICKLE: wants a store and its setting: STOREFRONT_STORE__<ID>__<SETTING>.",
        ),
        (
            "STOREFRONT_STORE__PICKLE__NAEM",
            "x",
            "STOREFRONT_STORE__PICKLE__NAEM: there is no such setting; did you mean name?",
        ),
        ("STOREFRONT_STORE__PICKLE__NAME__FIRST", "x", "STOREFRONT_STORE__PICKLE__NAME__FIRST: name is no table."),
    ],
)
def test_a_wrong_variable_is_told_by_its_own_name(tmp_path: Path, variable: str, value: str, expected: str) -> None:
    assert problems(tmp_path, MINIMAL, **{variable: value}) == [expected]


@pytest.mark.parametrize(
    ("origin", "tidy", "name"),
    [
        ("https://Pickle.Example", "https://pickle.example", "example.pickle/storefront"),
        ("https://shop.pickle.example:443", "https://shop.pickle.example", "example.pickle.shop/storefront"),
        ("https://pickle.example:8443", "https://pickle.example:8443", "example.pickle/storefront"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000", "127.0.0.1/storefront"),
        ("http://localhost:80", "http://localhost", "localhost/storefront"),
        ("http://[::1]:8000", "http://[::1]:8000", "--1/storefront"),
    ],
)
def test_an_origin_has_one_spelling_and_gives_the_server_its_name(
    tmp_path: Path, origin: str, tidy: str, name: str
) -> None:
    (store,) = load(tmp_path, MINIMAL.replace("https://pickle.example", origin)).stores
    assert store.origin == tidy
    assert store.identity_name == name


def test_the_demo_needs_no_file(tmp_path: Path) -> None:
    settings = demo_settings(8123, state=tmp_path)
    (store,) = settings.stores
    assert Path(settings.database) == tmp_path / "demo.db"
    assert (store.id, store.origin, store.hosts) == ("pickle", "http://127.0.0.1:8123", ("localhost:8123",))
    assert (store.currency, store.upstream.kind, store.upstream.prices_include_tax) == ("AUD", "demo", None)
    for url in (store.icon, store.documentation, store.privacy_policy):
        assert str(url).startswith(store.origin + "/")


URL = "postgresql://shop@db.example/storefront"
ELSEWHERE = "set STOREFRONT_DATABASE_PASSWORD, or database_password_file to a path."


@pytest.mark.parametrize(
    ("written", "variables", "expected"),
    [
        (f'database = "{URL}"', {}, URL),
        ("", {"STOREFRONT_DATABASE": "postgres://shop:s3c%2Fret@[::1]:5433/x?sslmode=require"}, None),
        (f'database = "{URL}"', {"STOREFRONT_DATABASE_PASSWORD": "s3/c@et"}, URL.replace("@", ":s3%2Fc%40et@")),
        (f'database = "{URL}"\ndatabase_password_file = "pw"', {}, URL.replace("@", ":from%20a%20file@")),
    ],
)
def test_the_database_may_be_a_server_whose_password_is_nowhere_to_be_seen(
    tmp_path: Path, written: str, variables: dict[str, str], expected: str | None
) -> None:
    (tmp_path / "pw").write_text("from a file\n")
    settings = load(tmp_path, f"{written}\n{MINIMAL}", **variables)
    assert settings.database == (expected or variables["STOREFRONT_DATABASE"])
    assert settings.database.server
    for secret in ("s3", "from%20", "from a file"):
        assert secret not in repr(settings)


@pytest.mark.parametrize(
    ("written", "variables", "expected"),
    [
        (
            'database = "postgresql://shop:s3cret@db.example/x"',
            {},
            f"database: holds a password, which has no place here; {ELSEWHERE}",
        ),
        (
            'database_password = "s3cret"',
            {},
            f"database_password: is a secret and has no place here; {ELSEWHERE}",
        ),
        (
            "",
            {"STOREFRONT_DATABASE": "mysql://shop:s3cret@db.example/x"},
            "database: wants a path or a postgresql:// URL; got mysql://….",
        ),
        (
            "",
            {"STOREFRONT_DATABASE": "postgresql://db.example/x", "STOREFRONT_DATABASE_PASSWORD": "s3cret"},
            "database_password: wants a database that is a URL with a user and without a password.",
        ),
        (
            "",
            {"STOREFRONT_DATABASE_PASSWORD": "s3cret"},
            "database_password: wants a database that is a URL with a user and without a password.",
        ),
        (
            "",
            {"STOREFRONT_DATABASE": ""},
            "STOREFRONT_DATABASE: wants a path, or a URL such as \"postgresql://shop@db.example/storefront\"; got ''.",
        ),
    ],
)
def test_a_database_that_cannot_be_is_told_without_its_password(
    tmp_path: Path, written: str, variables: dict[str, str], expected: str
) -> None:
    assert problems(tmp_path, f"{written}\n{MINIMAL}", **variables) == [expected]


KEYS = ("kJ8fnPBTJUcx4Rp6GmGmFv5P0a0bYyXhG0Zx5eJ1c2E=", "+/8fnPBTJUcx4Rp6GmGmFv5P0a0bYyXhG0Zx5eJ1c2E=")


def test_keys_of_personal_data_come_from_a_variable_or_a_file(tmp_path: Path) -> None:
    assert load(tmp_path, MINIMAL).personal_data.key == ()
    assert load(tmp_path, MINIMAL).personal_data.keep_days == 30
    (tmp_path / "keys").write_text(",\n".join(KEYS))
    from_file = load(tmp_path, MINIMAL + '[personal_data]\nkey_file = "keys"\nkeep_days = 7\n').personal_data
    from_variable = load(tmp_path, MINIMAL, STOREFRONT_PERSONAL_DATA__KEY=", ".join(KEYS)).personal_data
    for chosen in (from_file, from_variable):
        assert tuple(key.reveal() for key in chosen.key) == KEYS
        assert KEYS[0] not in repr(chosen)
    assert from_file.keep_days == 7


@pytest.mark.parametrize("wrong", ["password", KEYS[0][:-4], "ümlaut"])
def test_a_key_that_is_none_is_told_without_repeating_it(tmp_path: Path, wrong: str) -> None:
    (told,) = problems(tmp_path, MINIMAL, STOREFRONT_PERSONAL_DATA__KEY=f"{KEYS[0]},{wrong}")
    assert told == (
        "personal_data.key: wants keys as `openssl rand -base64 32` makes them; number 2 is something else."
    )


@pytest.mark.parametrize(
    ("payments", "told"),
    [
        (
            'token_profile = "profile_1"',
            'store[0].payments.token_profile: is for provider = "stripe"; the provider is None.',
        ),
        (
            'token_profile = "acct"',
            (
                "store[0].payments.token_profile: wants the id of a Stripe profile, which begins with profile_; "
                "got 'acct'."
            ),
        ),
    ],
)
def test_a_profile_for_tokens_is_stripes(tmp_path: Path, payments: str, told: str) -> None:
    assert problems(tmp_path, MINIMAL + f"[store.payments]\n{payments}\n") == [told]


def test_a_shop_that_cannot_be_told_of_payments_sells_by_its_own_ways_alone(tmp_path: Path) -> None:
    upstream = '[store.upstream]\nkind = "woocommerce"\nurl = "https://shop.example"\n'
    online = '[store.payments]\nprovider = "stripe"\nmethod = "cheque"\n'
    key = {"STOREFRONT_STORE__PICKLE__PAYMENTS__SECRET_KEY": "sk_test_1"}
    (store,) = load(tmp_path, STORE + upstream + online, **key).stores
    assert ["consumer_key" in one for one in store.missing_for_payment] == [True]
    (store,) = load(tmp_path, STORE + upstream + '[store.payments]\noffline = ["bacs"]\n').stores
    assert store.missing_for_payment == ()
    secret = {"STOREFRONT_STORE__PICKLE__UPSTREAM__CONSUMER_SECRET": "cs_1"}
    (store,) = load(tmp_path, STORE + upstream + 'consumer_key = "ck_1"\n' + online, **key, **secret).stores
    assert store.missing_for_payment == ()
    assert "cs_1" not in repr(store)


UNSENDABLE = (
    "{}: has a sign that no request can carry: wants letters, digits and signs of ASCII alone. Copy the whole value "
    'from where it was made; an example such as "pk_…" only shows how it begins.'
)
MEDUSA = STORE + '[store.upstream]\nkind = "medusa"\nurl = "https://shop.example"\n'
WOOCOMMERCE = MEDUSA.replace("medusa", "woocommerce")
INTROSPECTION = 'issuer = "https://id.example"\n[store.oauth]\nintrospection_endpoint = "https://id.example/i"\n'


@pytest.mark.parametrize(
    ("text", "secrets", "named"),
    [
        (MEDUSA + 'publishable_key = "pk_…"', {}, ["upstream.publishable_key"]),
        (MEDUSA + 'publishable_key = "pk_1"', {"UPSTREAM__SECRET_KEY": "sk_…"}, ["upstream.secret_key"]),
        (
            WOOCOMMERCE + 'consumer_key = "ck_…"',
            {"UPSTREAM__CONSUMER_SECRET": "cs_\n1"},
            ["upstream.consumer_key", "upstream.consumer_secret"],
        ),
        (
            MINIMAL + 'store_code = "ö"\nclient_id = "é"',
            {"UPSTREAM__CLIENT_SECRET": "…"},
            ["upstream.store_code", "upstream.client_id", "upstream.client_secret"],
        ),
        (
            STORE + INTROSPECTION + 'client_id = "é"' + UPSTREAM,
            {"OAUTH__CLIENT_SECRET": "…"},
            ["oauth.client_id", "oauth.client_secret"],
        ),
        (MINIMAL + '[store.payments]\nprovider = "stripe"', {"PAYMENTS__SECRET_KEY": "sk_…"}, ["payments.secret_key"]),
    ],
)
def test_what_no_header_can_carry_is_refused(
    tmp_path: Path, text: str, secrets: dict[str, str], named: list[str]
) -> None:
    env = {f"STOREFRONT_STORE__PICKLE__{name}": value for name, value in secrets.items()}
    assert problems(tmp_path, text, **env) == [UNSENDABLE.format(f"store[0].{name}") for name in named]
