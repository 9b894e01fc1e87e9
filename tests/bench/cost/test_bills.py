"""Bills match figures computed by hand; break-even, prices and tables follow from the bills."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from bench.cost import __main__ as command
from bench.cost import tables
from bench.cost.bills import OPTIONS, functions
from bench.cost.break_even import break_even
from bench.cost.prices import ALWAYS_FREE, Free, Prices, PricesError, read
from bench.cost.workload import HOURS, SECONDS, Workload

PRICES = Prices()
PAID = Free()
# A million chats of 10 s, with 512 MB.
TEN_SECONDS = Workload(chats=1_000_000, tokens=600, rate=60, first=0, memory=512)


def lines(option: str, work: Workload = TEN_SECONDS, free: Free = PAID) -> dict[str, float]:
    bill = OPTIONS[option](work, PRICES, free)
    return {name: round(usd, 2) for name, usd in bill.lines.items()}


def test_a_million_chats_on_functions() -> None:
    bill = lines("functions")

    assert bill == {
        "waiting for the provider": 66.67,  # 10^6 * 10 s * 0.5 GB * 0.0000133334
        "our own work": 0.03,  # 10^6 * 0.005 s * 0.5 GB * 0.0000133334
        "starts": 0.07,  # 10^4 * 1 s * 0.5 GB * 0.0000133334
        "Lambda requests": 0.20,
        "API Gateway": 3.50,
        "authorizer": 0.22,  # 0.20, and 10^6 * 0.005 s * 0.25 GB * 0.0000133334
        "traffic": 10.80,  # 10^6 * 600 * 200 B * 0.09 a GB
        "logs": 1.00,  # 10^6 * 2 KB * 0.50 a GB
        "metrics, alarms, dashboard": 6.30,  # 10 * 0.30 + 3 * 0.10 + 3.00
        "secrets": 1.19,  # 2 * 0.40, and 3.8 * 8,760 + 43,800 calls * 0.000005
        "DynamoDB": 0.0,
    }


def test_snapshots_are_paid_by_the_second_and_by_the_restore() -> None:
    bill = lines("functions, SnapStart")

    assert bill["snapshots"] == 2.97  # 0.75 GB * 2,628,000 s * 0.0000015046
    assert bill["restores"] == 1.05  # 10^4 * 0.75 GB * 0.0001397998
    assert "starts" not in bill


def test_the_number_of_containers_covers_the_busiest_moment() -> None:
    bill = lines("container")

    assert TEN_SECONDS.at_once == pytest.approx(3.805, abs=0.001)  # 10^7 s in 2,628,000 s
    assert bill["containers"] == 14.42  # 15.2 at once: 2 * (0.25 * 0.03238 + 0.5 * 0.00356) * 730
    assert bill["load balancer"] == 17.42  # 0.0225 * 730, and 124 GB * 0.008
    assert bill["addresses"] == 14.60  # 4 * 0.005 * 730


def test_a_machine_has_an_address() -> None:
    bill = lines("machine", replace(TEN_SECONDS, chats=1000))

    assert (bill["machines"], bill["addresses"]) == (3.07, 3.65)  # 0.0042 and 0.005, * 730


def test_there_are_three_instances_even_for_one_chat() -> None:
    bill = lines("Managed Instances", replace(TEN_SECONDS, chats=1))

    assert bill["instances"] == 178.70  # 3 * 0.0816 * 730
    assert bill["AWS's fee for them"] == 26.81  # 15 % of it
    assert bill["NAT gateway"] == 32.85  # 0.045 * 730


def test_more_than_three_instances_run_when_three_are_full() -> None:
    bill = lines("Managed Instances", replace(TEN_SECONDS, chats=20_000_000))

    assert bill["instances"] == 297.84  # 304.4 at once, 64 in each: 5 * 0.0816 * 730
    assert bill["Lambda requests"] == 4.00


def test_waiting_costs_memory_times_time() -> None:
    def waiting(**more: float) -> float:
        work = replace(TEN_SECONDS, **more)  # type: ignore[arg-type]  # each of its own type
        return functions(work, PRICES, PAID).lines["waiting for the provider"]

    usual = waiting()

    assert waiting(memory=1024) == pytest.approx(2 * usual)
    assert waiting(tokens=1200) == pytest.approx(2 * usual)
    assert waiting(rate=30) == pytest.approx(2 * usual)
    assert waiting(first=10) == pytest.approx(2 * usual)


def test_x86_64_has_its_own_price() -> None:
    bill = lines("functions", replace(TEN_SECONDS, architecture="x86_64"))

    assert bill["waiting for the provider"] == 83.33  # 5 * 10^6 GB-s * 0.0000166667


def test_a_response_of_11_mb_counts_as_two_requests() -> None:
    bill = lines("functions", replace(TEN_SECONDS, tokens=55_000))

    assert bill["API Gateway"] == 7.00


def test_free_amounts_cost_nothing() -> None:
    small = replace(TEN_SECONDS, chats=50_000)  # 250,000 GB-seconds
    bill = lines("functions", small, ALWAYS_FREE)

    assert bill["waiting for the provider"] == bill["our own work"] == bill["Lambda requests"] == 0
    assert bill["metrics, alarms, dashboard"] == bill["traffic"] == bill["logs"] == 0
    assert bill["secrets"] == 1.06  # 0.80, and 8,760 + 43,800 calls


def test_usage_above_the_free_amounts_is_billed() -> None:
    bill = functions(TEN_SECONDS, PRICES, ALWAYS_FREE).lines
    paid = bill["waiting for the provider"] + bill["our own work"]

    assert round(paid, 2) == 61.37  # of 5,007,500 GB-s 400,000 are free
    assert bill["traffic"] == pytest.approx(1.80)  # 20 GB of 120


def test_each_table_write_is_billed() -> None:
    assert lines("functions", replace(TEN_SECONDS, writes=2))["DynamoDB"] == 1.25


def test_without_chats_only_secrets_cost() -> None:
    no_chats = replace(TEN_SECONDS, chats=0)
    bill = lines("functions", no_chats, ALWAYS_FREE)

    assert {name: usd for name, usd in bill.items() if usd} == {"secrets": 0.80}


@pytest.mark.parametrize("name", ["container", "machine", "Managed Instances"])
def test_an_option_is_cheaper_above_its_break_even_and_not_below(name: str) -> None:
    option = OPTIONS[name]
    found = break_even(option, TEN_SECONDS, PRICES, PAID)
    assert found is not None

    def saves(chats: float) -> float:
        month = replace(TEN_SECONDS, chats=chats)
        return functions(month, PRICES, PAID).total - option(month, PRICES, PAID).total

    assert saves(found) > 0 >= saves(found - 2)
    assert all(saves(found * factor) > 0 for factor in (1.5, 3, 10, 100))


def test_an_option_that_is_never_cheaper_has_no_break_even() -> None:
    option = OPTIONS["functions, SnapStart"]

    assert break_even(option, TEN_SECONDS, PRICES, PAID) is None
    assert break_even(functions, TEN_SECONDS, PRICES, PAID) is None


def test_a_free_option_breaks_even_at_one_chat() -> None:
    free_machines = replace(PRICES, t4g_nano_hour=0.0, address_hour=0.0)

    assert break_even(OPTIONS["machine"], TEN_SECONDS, free_machines, PAID) == 1


def test_every_price_names_awss_page_and_the_page_that_quotes_the_price() -> None:
    for price in fields(Prices):
        assert price.metadata["source"].startswith("https://aws.amazon.com/"), price.name
        assert price.metadata["seen"], price.name


def test_prices_of_a_file_replace_the_prices_of_their_names(tmp_path: Path) -> None:
    file = tmp_path / "frankfurt.toml"
    file.write_text("data_out_gb = 0.1\napi_request = 4\n")

    assert read(file) == replace(PRICES, data_out_gb=0.1, api_request=4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "x: unknown price; known: address_hour,"),
        ('nat_gb = "1"', "nat_gb: must be a number of USD, at least 0"),
        ("nat_gb = -1", "nat_gb: must be a number of USD, at least 0"),
        ("nat_gb = true", "nat_gb: must be a number of USD, at least 0"),
        ("x", "is not TOML"),
    ],
)
def test_an_invalid_file_of_prices_fails_with_one_line(
    tmp_path: Path, text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(text)

    with pytest.raises(PricesError, match=message):
        read(file)
    assert command.main(["--region-prices", str(file)]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_missing_file_of_prices_fails_with_one_line(tmp_path: Path) -> None:
    with pytest.raises(PricesError, match="cannot be read: No such file"):
        read(tmp_path / "none.toml")


def test_the_calculator_prints_every_bill(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--chats", "2000", "--tokens", "120", "--first", "0", "--free"]) == 0
    printed = capsys.readouterr().out

    assert printed.startswith("2,000 chats of 2.0 s a month: 0.0 at once\n")
    assert all(f"\n{name}: " in printed for name in OPTIONS)
    assert printed.count("cheaper than functions from") == 3


def test_a_month_has_730_hours() -> None:
    assert SECONDS == HOURS * 3600 == 2_628_000


def test_every_table_has_a_row_per_case() -> None:
    texts = {name: table(Workload(), PRICES) for name, table in tables.TABLES.items()}
    counts = {name: len(text.splitlines()) for name, text in texts.items()}

    assert counts["cost-per-million"] == counts["cost-break-even"] == 2 + len(tables.LENGTHS)
    assert counts["cost-by-month"] == 2 + len(tables.MONTHS)
    assert counts["cost-prices"] == 2 + len(fields(Prices))


def test_numbers_of_chats_have_three_digits() -> None:
    never_cheaper = replace(PRICES, t4g_nano_hour=1e9, fargate_vcpu_hour=1e9, m7g_large_hour=1e9)

    assert "| never | never | never |" in tables.break_evens(Workload(), never_cheaper)
    assert "| 4,230,000 |" in tables.break_evens(Workload(), PRICES)
