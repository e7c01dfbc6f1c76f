from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudvision import prices
from cloudvision.errors import ConfigError

OPERATIONS = [line.operation for line in prices.all_listed()]


@pytest.mark.parametrize(
    ("operation", "dollars_per_thousand"),
    [
        ("aws-rekognition/DetectText", 1.00),
        ("azure-image-analysis/text", 1.50),
        ("azure-image-analysis/visual", 1.00),
        ("azure-custom-vision/prediction", 2.00),
        ("azure-custom-vision/storage", 0.70),
        ("azure-custom-vision/training-hour", 10_000),
        ("azure-document-intelligence/read", 1.50),
        ("azure-document-intelligence/layout", 10),
        ("azure-document-intelligence/prebuilt", 10),
        ("azure-document-intelligence/custom-extraction", 30),
        ("azure-document-intelligence/custom-classification", 3),
        ("azure-document-intelligence/add-on", 6),
    ],
)
def test_a_thousand_units_cost_what_the_list_says(operation: str, dollars_per_thousand: float) -> None:
    assert prices.price(operation, 1000) == round(dollars_per_thousand * prices.MICROS)


def test_units_that_straddle_a_border_pay_both_prices() -> None:
    # one image at 0.001 USD, the millionth, and one at 0.0008
    assert prices.price("aws-rekognition/DetectText", 2, position=999_999) == 1000 + 800


def test_units_that_cross_all_tiers_pay_each_of_them() -> None:
    expected = 1_000_000 * 1000 + 4_000_000 * 800 + 30_000_000 * 600 + 7 * 250
    assert prices.price("aws-rekognition/DetectText", 35_000_007) == expected


def test_the_last_tier_has_no_end() -> None:
    assert prices.price("aws-rekognition/DetectText", 3, position=10**9) == 3 * 250


def test_nothing_costs_nothing() -> None:
    assert [prices.price(operation, 0) for operation in OPERATIONS] == [0] * len(OPERATIONS)


@given(st.sampled_from(OPERATIONS), st.integers(0, 2 * 10**8), st.integers(0, 10**7), st.integers(0, 10**7))
def test_a_sum_of_parts_costs_exactly_the_whole(operation: str, position: int, first: int, second: int) -> None:
    parts = prices.price(operation, first, position=position)
    parts += prices.price(operation, second, position=position + first)
    assert parts == prices.price(operation, first + second, position=position)


@given(st.sampled_from(OPERATIONS), st.integers(0, 2 * 10**8), st.integers(0, 10**7))
def test_no_position_costs_more_than_the_first_tier(operation: str, position: int, units: int) -> None:
    assert prices.price(operation, units, position=position) <= prices.price(operation, 1) * units


@pytest.mark.parametrize(("units", "position"), [(-1, 0), (1, -1)])
def test_negative_counts_are_refused(units: int, position: int) -> None:
    with pytest.raises(ValueError, match="negative"):
        prices.price("aws-rekognition/DetectText", units, position=position)


def test_an_unknown_operation_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="aws-rekognition/DetectText"):
        prices.price("aws-rekognition/DetectLabels", 1)


def test_every_feature_of_an_image_is_a_transaction_of_its_group() -> None:
    assert prices.image_analysis_cost(["read"]) == 1500
    assert prices.image_analysis_cost(["read", "tags"]) == 1500 + 1000
    every = ["tags", "caption", "denseCaptions", "objects", "read", "smartCrops", "people"]
    assert prices.image_analysis_cost(every) == 3 * 1500 + 4 * 1000


def test_a_feature_named_twice_is_billed_once() -> None:
    assert prices.image_analysis_cost(["read", "read"]) == 1500


def test_the_features_of_one_group_share_its_tiers() -> None:
    # three transactions of one group from the 999,999th on: one dear, two cheap
    assert prices.image_analysis_cost(["read", "caption", "denseCaptions"], position=999_999) == 1500 + 2 * 600
    assert prices.image_analysis_cost(["read"], images=3, position=999_999) == 1500 + 2 * 600


def test_an_unknown_feature_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"brands.*denseCaptions"):
        prices.image_analysis_cost(["brands"])


@pytest.mark.parametrize("line", prices.all_listed(), ids=OPERATIONS)
def test_every_line_has_a_date_a_source_and_rising_tiers_with_an_open_end(line: prices.Price) -> None:
    assert line.as_of >= date(2026, 1, 1)
    assert line.source
    assert line.unit
    borders = [tier.up_to for tier in line.tiers]
    assert borders[-1] is None
    assert borders[:-1] == sorted({border for border in borders[:-1] if border is not None})
    assert all(isinstance(tier.micros, int) and tier.micros > 0 for tier in line.tiers)


def test_a_figure_that_was_not_checked_says_why() -> None:
    unchecked = [line for line in prices.all_listed() if not line.verified]
    assert unchecked
    assert all(line.note for line in unchecked)


@pytest.mark.parametrize(
    ("name", "ends"),
    [
        ("azure-image-analysis", date(2028, 9, 25)),
        ("azure-custom-vision", date(2028, 9, 25)),
        ("azure-document-intelligence", None),
        ("azure-document-intelligence/2.1", date(2027, 9, 15)),
        ("azure-cognitiveservices-vision-customvision", date(2024, 11, 1)),
        ("aws-rekognition", None),
        ("local-ocr", None),
    ],
)
def test_retirement_dates(name: str, ends: date | None) -> None:
    assert prices.retirement(name) == ends


@pytest.mark.parametrize(
    ("model", "features", "units"),
    [
        ("prebuilt-read", (), {"azure-document-intelligence/read": 5}),
        ("prebuilt-layout", ("languages",), {"azure-document-intelligence/layout": 5}),
        (
            "prebuilt-receipt",
            ("formulas", "styleFont"),
            {"azure-document-intelligence/prebuilt": 5, "azure-document-intelligence/add-on": 10},
        ),
        ("mine", (), {"azure-document-intelligence/custom-extraction": 5}),
    ],
)
def test_documents_are_billed_by_pages_and_add_ons(
    model: str, features: tuple[str, ...], units: dict[str, int]
) -> None:
    assert units == prices.document_units(model, features, pages=5)
    assert sum(prices.price(name, count) for name, count in units.items()) == prices.document_cost(
        model, features, pages=5
    )


def test_pages_beyond_a_million_a_month_are_cheaper() -> None:
    assert 10 * 600 == prices.document_cost("prebuilt-read", (), pages=10, position=1_000_000)


def test_a_notice_comes_a_year_before_the_end_and_stays_after_it() -> None:
    name = "azure-image-analysis"
    assert () == prices.notices([name, "aws-rekognition"], today=date(2027, 9, 24))
    assert "azure-image-analysis ends on 2028-09-25." in prices.notices([name], today=date(2027, 9, 26))[0]
    assert "azure-image-analysis ended on 2028-09-25." in prices.notices([name], today=date(2028, 9, 26))[0]


def test_every_retirement_names_its_source() -> None:
    assert all(line.source for line in prices.all_retirements())
