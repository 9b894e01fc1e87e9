from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from chatd.config import settings
from chatd.config.settings import ConfigError, Settings
from chatd.dialects import DIALECTS


def load(environ: Mapping[str, str]) -> Settings:
    return settings.load(environ, DIALECTS)


def loaded(config: Path, text: str, **environ: str) -> object:
    config.write_text(text)
    return load({"CHATD_CONFIG": str(config), **environ})


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("default_provider = 'olama'", "chatd.toml: default_provider: 'olama' is not a provider"),
        ("provider = 1", "chatd.toml: provider: there is no such key"),
        ("[providers.kimi]\ntimeout = 3", "chatd.toml: providers.kimi.timeout: there is no such"),
        ("[providers.kimi.timeouts]\nconnect = 'fast'", "chatd.toml: providers.kimi.timeouts."),
        ("[providers.kimi.timeouts]\ntotal = 0", "providers.kimi.timeouts.total: Input should be"),
        ("[providers.kimi.timeouts]\ntotal = inf", "providers.kimi.timeouts.total: Input should"),
        ("[providers.kimi]\nbase_url = 'kimi.com'", "providers.kimi.base_url: must be a URL that"),
        ("[providers.kimi]\nbase_url = 'http://u:p@h'", "providers.kimi.base_url: must be a plain"),
        ("[providers.kimi]\nbase_url = 'http://h:x'", "providers.kimi.base_url: has a port that"),
        ("[providers.kimi]\nbase_url = 'http://h/ä'", "providers.kimi.base_url: must be a URL of"),
        ("[providers.kimi]\nplan = 'go'", "providers.kimi.plan: there is no plan 'go'; there are"),
        ("[providers.opencode]\nplan = 'pro'", "there is no plan 'pro'; there are 'zen', 'go'"),
        ("[providers.kimi]\nendpoint = 'chat'", "providers.kimi.endpoint: only a provider of Olla"),
        (
            "[providers.kimi]\ndialect = 'kimi'",
            "providers.kimi.dialect: is none of 'ollama'",
        ),
        ("[providers.kimi]\nkey_variable = 'a b'", "providers.kimi.key_variable: must be a v"),
        (
            "[providers.mine]\nbase_url = 'http://h'",
            "providers.mine.dialect: is missing; a provi",
        ),
        (
            "[providers.mine]\ndialect = 'openai_chat'",
            "providers.mine.base_url: is missing; a pr",
        ),
        (
            "[providers.mine]\ndialect = 'gemini'",
            "providers.mine.dialect: is none of 'ollama'",
        ),
        (
            "[providers.kimi]\nmodel_dialects = { a = 'openai_chat', '(' = 'ollama' }",
            "providers.kimi.model_dialects: pattern 2 is not a regular expression: missing )",
        ),
        (
            "[providers.kimi]\nmodel_dialects = { '' = 'ollama' }",
            "providers.kimi.model_dialects: pattern 1 must be a regular expression of 1 to 256",
        ),
        (
            "[providers.kimi]\nmodel_dialects = { a = 'gemini' }",
            "providers.kimi.model_dialects: 'gemini' is none of 'ollama'",
        ),
        (
            "[providers.kimi]\nown_dialects = ['openrouter']",
            "providers.kimi.own_dialects: 'openrouter' is none of 'ollama'",
        ),
        (
            "[providers.kimi]\npaths = { openai_chat = 'v1' }",
            "providers.kimi.paths.openai_chat: must be a path such as /v1, or empty",
        ),
        (
            "[providers.kimi]\npaths = { gemini = '/v1' }",
            "providers.kimi.paths: 'gemini' is none of 'ollama'",
        ),
        (
            "[providers.kimi]\nkey_headers = { openai_chat = 'a b' }",
            "providers.kimi.key_headers.openai_chat: String should match pattern",
        ),
        (
            "[providers.kimi]\nknown_to_think = '['",
            "providers.kimi.known_to_think: is not a regular expression: unterminated",
        ),
        (
            "[providers.kimi]\nmodel_drops = { '(' = ['top_p'] }",
            "providers.kimi.model_drops: pattern 1 is not a regular expression: missing )",
        ),
        (
            "[providers.kimi]\nmodel_drops = { a = ['top p'] }",
            "providers.kimi.model_drops.a.0: String should match pattern",
        ),
        (
            "[providers.ollama.options]\n'(' = { num_ctx = 4096 }",
            "providers.ollama.options: pattern 1 is not a regular expression: missing )",
        ),
        (
            "[providers.ollama.options.m]\nnum_ctx = '32k'",
            "providers.ollama.options.m: has a num_ctx that is not a number of tokens",
        ),
        (
            "[providers.ollama.options.m]\nnum_ctx = 0",
            "providers.ollama.options.m: has a num_ctx that is not a number of tokens",
        ),
        (
            "[providers.ollama.options.m]\ntruncate = 'no'",
            "providers.ollama.options.m: has a truncate that is neither true nor false",
        ),
        (
            "[providers.ollama.options.m]\nkeep_alive = 'long'",
            "providers.ollama.options.m: must be seconds, or a duration such as 10m",
        ),
        (
            "[providers.ollama]\nkeep_alive = '10 minutes'",
            "providers.ollama.keep_alive: must be seconds, or a duration such as 10m",
        ),
        (
            "[providers.kimi]\nkeep_alive = 60",
            "providers.kimi.keep_alive: only a provider of Ollama's dialect has it",
        ),
        (
            "[providers.kimi.options.m]\nnum_ctx = 4096",
            "providers.kimi.options: only a provider of Ollama's dialect has it",
        ),
        (
            "[providers.kimi]\ncompletions = 'all'",
            "providers.kimi.completions: Input should be 'raw', 'template' or 'none'",
        ),
        (
            "[providers.kimi]\ndefault_max_tokens = 0",
            "providers.kimi.default_max_tokens: Input should be greater than 0",
        ),
        (
            "[providers.kimi]\nsession_header = 'x:y'",
            "providers.kimi.session_header: String should match pattern",
        ),
        ("[providers.VLLM]\nenabled = true", "providers.VLLM: is not a name of a-z, 0-9 and _"),
        (
            "default_provider = 'kimi'\n[providers.kimi]\nenabled = false",
            "default_provider: 'kimi' is switched off",
        ),
        ("[tiers]\nfast = []", "chatd.toml: tiers.fast.models: List should have at least 1 item"),
        ("[tiers]\nfast = ['b']\nb = ['c']", "tiers.fast.models.0: 'b' is a tier; name its models"),
        ("[tiers]\nfast = ['kimi/']", "tiers.fast.models.0: 'kimi/' names no model after its pre"),
        ("[tiers]\nfast = 'llama3.2'", "chatd.toml: tiers.fast: "),
        ("x = ", "chatd.toml: is not TOML: "),
    ],
)
def test_an_invalid_setting_is_reported_in_one_line_that_names_the_key(
    config: Path, text: str, line: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(config, text)

    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        "key_variable = 'sk-canary-0123'",
        "key_variable = 'SkCanary0123'",
        "key_variable = 'SK_CANARY_\n'",
        f"key_variable = '{'SK_CANARY_' * 8}'",
        "base_url = 'https://user:sk-canary@kimi.example'",
        "base_url = 'https://kimi.example?key=sk-canary'",
        "base_url = 'sk-canary'",
        "env_file = ['sk-canary']",
        "dialect = 'sk-canary'",
        "endpoint = 'sk-canary'",
    ],
)
def test_a_key_in_the_wrong_place_is_refused_and_not_repeated(config: Path, line: str) -> None:
    name = line.partition(" ")[0]
    with pytest.raises(ConfigError, match=rf"providers\.kimi\.{name}: ") as caught:
        loaded(config, f"[providers.kimi]\n{line}".replace("\n'", "\\n'").replace("'", '"'))

    assert "canary" not in str(caught.value).lower()


CANARY = f"sk-or-v1-{'canary' * 10}"


@pytest.mark.parametrize(
    "text",
    [
        f"default_provider = '{CANARY}'",
        f"'{CANARY}' = 1",
        f"[providers.kimi]\n'{CANARY}' = 1",
        f"[providers.'{CANARY}']\nenabled = true",
        f"[providers.opencode]\nplan = '{CANARY}'",
        f"[providers.kimi.timeouts]\n'{CANARY}' = 1",
    ],
)
def test_a_key_in_place_of_a_name_is_not_repeated(config: Path, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(config, text)

    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "variable", ["OLLAMA_URL", "KIMI_BASE_URL", "CHATD_DEFAULT_PROVIDER", "CHATD_HTTP_SECONDS"]
)
@pytest.mark.parametrize("value", [CANARY, f"https://user:{CANARY}@kimi.example"])
def test_a_key_in_another_variable_is_not_repeated(variable: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"^{variable}: ") as caught:
        load({"CHATD_CONFIG": "/dev/null", variable: value})

    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OLLAMA_URL", "localhost:11434"),
        ("KIMI_BASE_URL", "ftp://kimi.com"),
        ("CHATD_DEFAULT_PROVIDER", "gpt"),
        ("CHATD_HTTP_SECONDS", "soon"),
        ("CHATD_HTTP_SECONDS", "nan"),
        ("CHATD_HTTP_SECONDS", "0"),
    ],
)
def test_an_invalid_variable_is_reported_by_name(variable: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"^{variable}: "):
        load({"CHATD_CONFIG": "/dev/null", variable: value})


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing\.toml: cannot be read: No such file"):
        load({"CHATD_CONFIG": str(tmp_path / "missing.toml")})


def test_a_file_that_is_not_text_is_named(config: Path) -> None:
    config.write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigError, match="is not UTF-8"):
        load({"CHATD_CONFIG": str(config)})


def test_the_repositorys_chatd_toml_is_found_and_valid() -> None:
    assert load({}).default_provider is None


def test_the_environment_takes_precedence_over_the_file(config: Path) -> None:
    config.write_text("[providers.kimi]\nbase_url = 'https://one.example/v1'")

    found = load({"CHATD_CONFIG": str(config), "KIMI_BASE_URL": "https://two.example/v1/"})

    assert found.providers["kimi"].base_url == "https://two.example/v1"


def test_an_empty_variable_is_unset() -> None:
    found = load({"CHATD_CONFIG": "/dev/null", "OLLAMA_URL": "", "CHATD_HTTP_SECONDS": ""})

    assert found.providers["ollama"].base_url == "http://localhost:11434"
    assert found.http_seconds is None


def test_a_plan_changes_the_address_of_opencode(config: Path) -> None:
    config.write_text("[providers.opencode]\nplan = 'go'")

    row = load({"CHATD_CONFIG": str(config)}).providers["opencode"]

    assert (row.plan, row.base_url) == ("go", "https://opencode.ai/zen/go/v1")


def test_every_row_of_ollamas_dialect_allows_120_s_of_silence(config: Path) -> None:
    config.write_text(
        """
        [providers.second]
        dialect = "ollama"
        base_url = "http://gpu.example:11434"
        [providers.impatient]
        dialect = "ollama"
        base_url = "http://gpu.example:11434"
        timeouts = { silence = 30 }
        [providers.mine]
        dialect = "openai_chat"
        base_url = "https://vllm.example/v1"
        """
    )
    rows = load({"CHATD_CONFIG": str(config)}).providers
    names = ("ollama", "ollama_cloud", "second", "impatient", "mine", "kimi")

    assert [rows[name].timeouts.silence for name in names] == [120, 120, 120, 30, 60, 60]


def test_a_table_changes_only_its_own_fields(config: Path) -> None:
    config.write_text("[providers.kimi]\nkey_variable = 'MY_KEY'\ntimeouts = { total = 9 }")

    row = load({"CHATD_CONFIG": str(config)}).providers["kimi"]

    assert (row.key_variable, row.timeouts.total, row.timeouts.connect) == ("MY_KEY", 9, 5)
    assert row.base_url == "https://api.kimi.com/coding/v1"


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://localhost:11434", True),
        ("http://LOCALHOST.:1", True),
        ("http://a.localhost", True),
        ("http://127.1.2.3", True),
        ("http://[::1]:11434", True),
        ("http://0.0.0.0:11434", True),
        ("http://10.0.0.5:11434", False),
        ("https://ollama.com", False),
    ],
)
def test_on_lambda_a_provider_at_a_loopback_address_is_excluded(url: str, loopback: bool) -> None:
    environ = {"CHATD_CONFIG": "/dev/null", "OLLAMA_URL": url}

    here = load(environ).providers["ollama"]
    in_sam_local = load(
        {**environ, "AWS_LAMBDA_FUNCTION_NAME": "chat", "AWS_SAM_LOCAL": "true"}
    ).providers["ollama"]
    on_lambda = load({**environ, "AWS_LAMBDA_FUNCTION_NAME": "chat"}).providers["ollama"]

    assert (here.excluded, in_sam_local.excluded) == (None, None)
    assert (on_lambda.excluded is not None) == loopback
    if on_lambda.excluded is not None:
        assert "set OLLAMA_URL to where it really is" in on_lambda.excluded


def test_cors_origins_are_a_list() -> None:
    found = load(
        {"CHATD_CONFIG": "/dev/null", "CHATD_CORS_ORIGINS": "https://a.example, https://b"}
    )

    assert found.cors_origins == ("https://a.example", "https://b")


def test_an_origin_that_no_browser_sends_is_refused_by_name() -> None:
    environ = {"CHATD_CONFIG": "/dev/null", "CHATD_CORS_ORIGINS": "https://a.example/"}

    with pytest.raises(ConfigError, match=r"CHATD_CORS_ORIGINS: 'https://a\.example/' is not"):
        load(environ)


def test_the_circuits_table_is_set_only_by_its_variable(config: Path) -> None:
    tables = [
        load({"CHATD_CONFIG": str(config), **environ}).circuits_table
        for environ in ({}, {"CHATD_CIRCUITS_TABLE": ""}, {"CHATD_CIRCUITS_TABLE": "t"})
    ]

    assert tables == [None, None, "t"]
