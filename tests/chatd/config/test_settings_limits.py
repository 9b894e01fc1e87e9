"""Each setting is set by its variable or key, and each limit is exact."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chatd.config.settings import ConfigError, Settings, load
from chatd.dialects import DIALECTS


def loaded(config: Path, text: str, **environ: str) -> Settings:
    config.write_text(text)
    return load({"CHATD_CONFIG": str(config), **environ}, DIALECTS)


@pytest.mark.parametrize(
    ("variable", "field", "text", "value"),
    [
        ("CHATD_SECRET_ID", "secret_id", "a", "a"),
        ("CHATD_CIRCUITS_TABLE", "circuits_table", "a", "a"),
        ("CHATD_IDEMPOTENCY_TABLE", "idempotency_table", "a", "a"),
        ("CHATD_IDEMPOTENCY_FILE", "idempotency_file", "a", "a"),
        ("CHATD_RESPONSES_TABLE", "responses_table", "a", "a"),
        ("CHATD_RESPONSES_FILE", "responses_file", "a", "a"),
        ("CHATD_HTTP_SECONDS", "http_seconds", "29", 29.0),
        ("CHATD_HTTP_WHOLE_SECONDS", "http_whole_seconds", "28.5", 28.5),
        ("CHATD_DEFAULT_PROVIDER", "default_provider", "kimi", "kimi"),
    ],
)
def test_a_variable_sets_only_its_setting(
    config: Path, variable: str, field: str, text: str, value: Any
) -> None:
    unset, found = loaded(config, ""), loaded(config, "", **{variable: text})

    for name in Settings.__slots__:
        if name not in ("providers", "tiers"):
            expected = value if name == field else getattr(unset, name)
            assert getattr(found, name) == expected, name
    assert getattr(unset, field) is None


def test_metrics_have_a_default_namespace(config: Path) -> None:
    assert loaded(config, "").metrics_namespace == "chatd"
    assert loaded(config, "", CHATD_METRICS_NAMESPACE="mine").metrics_namespace == "mine"


@pytest.mark.parametrize("key", ["drop_params", "allow_http_images"])
def test_a_switch_is_off_by_default(config: Path, key: str) -> None:
    assert getattr(loaded(config, ""), key) is False
    assert getattr(loaded(config, f"{key} = true"), key) is True


@pytest.mark.parametrize("seconds", ["0.001", "1", "899.5", "900"])
def test_up_to_nine_hundred_seconds_can_be_set(config: Path, seconds: str) -> None:
    found = loaded(config, f"providers.kimi.timeouts.gap = {seconds}", CHATD_HTTP_SECONDS=seconds)

    assert found.http_seconds == found.providers["kimi"].timeouts.gap == float(seconds)


@pytest.mark.parametrize("seconds", ["0", "0.0", "-1", "900.001", "901", "inf", "nan"])
def test_zero_seconds_and_more_than_nine_hundred_are_refused(config: Path, seconds: str) -> None:
    with pytest.raises(ConfigError, match=r"from 0 to 900"):
        load({"CHATD_CONFIG": "/dev/null", "CHATD_HTTP_SECONDS": seconds}, DIALECTS)
    with pytest.raises(ConfigError, match=r"timeouts\.gap: "):
        loaded(config, f"providers.kimi.timeouts.gap = {seconds}")


@pytest.mark.parametrize(
    "key", ["connect", "silence", "silence_with_fallback", "first_event", "gap", "total"]
)
def test_a_timeout_changes_only_its_limit(config: Path, key: str) -> None:
    before = loaded(config, "").providers["kimi"].timeouts
    after = loaded(config, f"providers.kimi.timeouts.{key} = 7").providers["kimi"].timeouts

    for name in ("connect", "silence", "silence_with_fallback", "first_event", "gap", "total"):
        assert getattr(after, name) == (7.0 if name == key else getattr(before, name))


@pytest.mark.parametrize(
    ("text", "long"),
    [
        ("tiers.{} = ['m']", 256),
        ("tiers.fast = ['{}']", 256),
        ("tiers.fast = [{{ model = '{}' }}]", 256),
        ("providers.{} = {{ dialect = 'openai_chat', base_url = 'http://h' }}", 64),
        ("providers.kimi.key_variable = '{}'", 64),
    ],
)
def test_a_name_has_a_maximum_length(config: Path, text: str, long: int) -> None:
    letter = "A" if "variable" in text else "a"

    loaded(config, text.format(letter * long))
    for name in (letter * (long + 1), "''" if text.startswith("tiers.{}") else ""):
        with pytest.raises(ConfigError):
            loaded(config, text.format(name))


@pytest.mark.parametrize("name", ["A", "_", "A1_", "_1"])
def test_a_variable_name_has_capitals_digits_and_underscores(config: Path, name: str) -> None:
    row = loaded(config, f"providers.kimi.key_variable = '{name}'").providers["kimi"]

    assert row.key_variable == name


@pytest.mark.parametrize("name", ["1A", "a", "A-B", "A B", "É"])
def test_a_variable_name_with_other_characters_is_refused(config: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="key_variable: must be a variable's name"):
        loaded(config, f"providers.kimi.key_variable = '{name}'")


def test_a_tier_has_a_hundred_models_at_most(config: Path) -> None:
    assert len(loaded(config, f"tiers.fast = {['m'] * 100}").tiers["fast"].models) == 100
    with pytest.raises(ConfigError, match=r"tiers\.fast\.models: "):
        loaded(config, f"tiers.fast = {['m'] * 101}")


def test_a_tiers_table_has_models_contexts_and_limits(config: Path) -> None:
    text = "[tiers.fast]\nmodels = ['a', { model = 'b', context = 1 }]\ntimeouts = { gap = 3 }"
    tier = loaded(config, text).tiers["fast"]

    assert [(model.model, model.context) for model in tier.models] == [("a", None), ("b", 1)]
    assert tier.timeouts.gap == 3.0
    with pytest.raises(ConfigError, match=r"context: Input should be greater than 0"):
        loaded(config, text.replace("context = 1", "context = 0"))


@pytest.mark.parametrize("model", ["kimi/", "ollama/", "openrouter/"])
def test_a_prefix_without_a_model_is_refused(config: Path, model: str) -> None:
    with pytest.raises(ConfigError, match=r"models\.1: .* names no model after its prefix"):
        loaded(config, f"tiers.fast = ['kimi/k', '{model}']")


@pytest.mark.parametrize("model", ["kimi", "made_up/", "made_up/kimi/", "kimi/k/"])
def test_a_name_that_resembles_a_prefix_is_a_model(config: Path, model: str) -> None:
    assert loaded(config, f"tiers.fast = ['{model}']").tiers["fast"].models[0].model == model


@pytest.mark.parametrize(
    "url",
    [
        *("https://user@h/v1", "https://:password@h/v1", "https://h/v1?a=b", "https://h/v1#a"),
        *("ftp://h", "h", "https://", "https:///v1", "https://h:99999", "https://h:x"),
        *("https://h/a b", "https://h/\u00e9", "https://h/\u2003"),
    ],
)
def test_an_address_other_than_a_plain_url_is_refused(config: Path, url: str) -> None:
    with pytest.raises(ConfigError, match=r"providers\.kimi\.base_url: "):
        loaded(config, f'providers.kimi.base_url = "{url}"')
    with pytest.raises(ConfigError, match=r"^KIMI_BASE_URL: "):
        loaded(config, "", KIMI_BASE_URL=url)


@pytest.mark.parametrize(
    "url", ["http://h", "https://h:65535/v1", "http://[::1]:1", "http://h/a/b"]
)
def test_trailing_slashes_of_an_address_are_removed(config: Path, url: str) -> None:
    for written in (url, f"{url}/", f"{url}//"):
        row = loaded(config, f"providers.kimi.base_url = '{written}'").providers["kimi"]
        assert row.base_url == url


def test_the_environments_default_provider_takes_precedence_over_the_files(config: Path) -> None:
    text = "default_provider = 'kimi'"

    assert loaded(config, text).default_provider == "kimi"
    assert loaded(config, text, CHATD_DEFAULT_PROVIDER="ollama").default_provider == "ollama"


@pytest.mark.parametrize(
    ("environ", "where"),
    [({}, r"chatd\.toml"), ({"CHATD_DEFAULT_PROVIDER": "kimi"}, "CHATD_DEFAULT_PROVIDER")],
)
def test_a_default_provider_that_is_switched_off_is_named_with_its_source(
    config: Path, environ: dict[str, str], where: str
) -> None:
    text = "default_provider = 'kimi'\nproviders.kimi.enabled = false"
    with pytest.raises(ConfigError, match=f"^{where}: default_provider: 'kimi' is switched off"):
        loaded(config, text, **environ)
    loaded(config, text.replace("false", "true"), **environ)


@pytest.mark.parametrize(("length", "is_shown"), [(1, True), (40, True), (41, False)])
def test_a_name_of_forty_characters_is_shown_and_a_longer_one_not(
    config: Path, length: int, is_shown: bool
) -> None:
    for text in (
        f"default_provider = '{'q' * length}'",
        f"providers.opencode.plan = '{'q' * length}'",
        f"{'q' * length} = 1",
    ):
        with pytest.raises(ConfigError) as caught:
            loaded(config, text)
        assert ("q" * length in str(caught.value)) == is_shown


def test_the_error_for_an_unknown_key_names_the_documentation(config: Path) -> None:
    with pytest.raises(ConfigError, match=r"^chatd\.toml: q: there is no such key \(docs/conf"):
        loaded(config, "q = 1")


def test_a_provider_that_is_switched_off_has_a_reason(config: Path) -> None:
    rows = loaded(config, "providers.kimi.enabled = false\nproviders.opencode.enabled = true")

    assert rows.providers["kimi"].excluded == "it is switched off in chatd.toml"
    assert rows.providers["opencode"].excluded is None


def test_a_plan_sets_its_address_unless_the_table_has_one(config: Path) -> None:
    plan = "providers.opencode.plan = 'go'\n"
    own = loaded(config, plan).providers["opencode"]
    written = loaded(config, f"{plan}providers.opencode.base_url = 'http://h'")

    assert (own.plan, own.base_url) == ("go", own.plans["go"])
    assert own.model_dialects == own.plan_dialects["go"]
    assert written.providers["opencode"].base_url == "http://h"
    with pytest.raises(ConfigError, match=r"kimi\.plan: there is no plan 'go'; there are none"):
        loaded(config, "providers.kimi.plan = 'go'")


@pytest.mark.parametrize(
    ("environ", "is_excluded"),
    [
        ({}, False),
        ({"AWS_LAMBDA_FUNCTION_NAME": "chat"}, True),
        ({"AWS_LAMBDA_FUNCTION_NAME": "chat", "AWS_SAM_LOCAL": "true"}, False),
        ({"AWS_LAMBDA_FUNCTION_NAME": "chat", "AWS_SAM_LOCAL": "false"}, True),
    ],
)
def test_a_loopback_address_is_excluded_only_on_lambda(
    config: Path, environ: dict[str, str], is_excluded: bool
) -> None:
    text = "providers.mine = { dialect = 'openai_chat', base_url = 'http://127.0.0.1:1' }"
    rows = loaded(config, text, **environ).providers

    assert [(rows[name].excluded is not None) for name in ("ollama", "mine")] == [is_excluded] * 2
    assert rows["kimi"].excluded is None
    if is_excluded:
        assert "set OLLAMA_URL to where" in str(rows["ollama"].excluded)
        assert "set its base_url to where" in str(rows["mine"].excluded)


@pytest.mark.parametrize(
    "host", ["localhost", "a.localhost", "localhost.", "127.9.9.9", "[::1]", "0.0.0.0", "[::]"]
)
def test_a_name_or_an_address_of_this_machine_is_a_loopback_address(
    config: Path, host: str
) -> None:
    rows = loaded(config, "", AWS_LAMBDA_FUNCTION_NAME="f", OLLAMA_URL=f"http://{host}:1")

    assert rows.providers["ollama"].excluded is not None


@pytest.mark.parametrize("host", ["evillocalhost", "localhost.example", "10.0.0.1", "[fe80::1]"])
def test_another_host_is_no_loopback_address(config: Path, host: str) -> None:
    rows = loaded(config, "", AWS_LAMBDA_FUNCTION_NAME="f", OLLAMA_URL=f"http://{host}:1")

    assert rows.providers["ollama"].excluded is None


@pytest.mark.parametrize(("text", "days"), [("", 30), ("1", 1), ("3650", 3650)])
def test_stored_responses_have_a_lifetime_in_days(config: Path, text: str, days: int) -> None:
    assert loaded(config, "", CHATD_RESPONSES_DAYS=text).responses_days == days


@pytest.mark.parametrize("text", ["0", "3651", "-1", "1.5", "ten", "\u0661"])
def test_another_lifetime_is_a_mistake(config: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="CHATD_RESPONSES_DAYS: must be a whole number of days"):
        loaded(config, "", CHATD_RESPONSES_DAYS=text)
