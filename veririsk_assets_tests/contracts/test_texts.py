"""What is stored of a text from outside, and what is shown of it."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veririsk_assets.contracts.texts import LONGEST_TEXT, chat, harmless, identifier, is_shown_as, shown, spreadsheet, stored

# Every code point, halves of a pair among them.
ANY = st.text(st.characters(exclude_categories=()), max_size=400)
OBEYED = {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(value=ANY)
def test_what_is_stored_is_utf8_without_nul_and_not_endless(value: str) -> None:
    kept = stored(value)
    if kept is not None:
        assert kept.encode()
        assert "\0" not in kept
        assert len(kept) <= LONGEST_TEXT
    assert (kept is None) == (not value.strip())


@given(value=ANY)
def test_an_id_is_exact_or_nothing(value: str) -> None:
    assert identifier(value) in (value, None)


@pytest.mark.parametrize("value", ["0xb4e16d", "tok0&weth", "uni:東京&🚀", "o'brien", "=cmd|' /C calc'!A0", "[/red]", "x" * LONGEST_TEXT])
def test_an_id_that_can_be_one_stays(value: str) -> None:
    assert identifier(value) == value


@pytest.mark.parametrize(
    "value", ["", "  ", "a\ud83d", "a\ufffd", "a\nb", "a\0b", "\x1b[31m", "a\u2028b", "x" * (LONGEST_TEXT + 1), 7, None]
)
def test_what_can_be_no_id_is_missing(value: object) -> None:
    assert identifier(value) is None


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("MOON\ud83d-WETH", "MOON\ufffd-WETH"),
        ("MOON\ud83d\ude80", "MOON🚀"),
        ("a\0b", "a\ufffdb"),
        ("[/red] :fire:", "[/red] :fire:"),
        ("x" * 3000, "x" * (LONGEST_TEXT - 1) + "…"),
        (" \n", None),
        (7, None),
    ],
)
def test_a_name_is_repaired_and_nothing_else(value: object, kept: str | None) -> None:
    assert stored(value) == kept


@given(value=ANY, cells=st.integers(5, 60))
def test_what_is_shown_is_one_line_that_fits_and_obeys_nobody(value: str, cells: int) -> None:
    from rich.cells import cell_len

    line = shown(value, cells)
    assert line
    assert not {unicodedata.category(sign) for sign in line} & OBEYED
    assert cell_len(line) <= cells


@given(value=ANY)
def test_a_harmless_text_keeps_its_lines_and_only_those(value: str) -> None:
    assert {sign for sign in harmless(value) if unicodedata.category(sign) in OBEYED} <= {"\n"}


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("\x1b[31mred\x1b[0m", "\ufffd[31mred\ufffd[0m"),
        ("a\nb\tc", "a b c"),
        ("\u202egnp.exe", "\ufffdgnp.exe"),
        ("US\u200bDC", "US\ufffdDC"),
        ("東京 🚀 [/red] :fire:", "東京 🚀 [/red] :fire:"),
        ("東" * 40, "東" * 19 + "…"),
        ("\u3164", "\ufffd"),
        ("", "?"),
        (None, "?"),
    ],
)
def test_what_a_person_sees(value: object, line: str) -> None:
    assert shown(value) == line


@given(value=ANY, cells=st.integers(5, 60))
def test_a_pool_is_found_by_what_is_shown_of_it(value: str, cells: int) -> None:
    assert is_shown_as(value, shown(value, cells)) or not value.strip()


def test_a_cut_name_is_found_by_its_beginning_and_another_is_not() -> None:
    assert is_shown_as("x" * 300, shown("x" * 300, 24))
    assert not is_shown_as("y" * 300, shown("x" * 300, 24))
    assert not is_shown_as("xyz", "x")


def test_a_chat_sees_no_command_and_a_spreadsheet_no_formula() -> None:
    assert chat("<!channel>\n<http://x|y> & co") == "&lt;!channel&gt; &lt;http://x|y&gt; &amp; co"
    assert spreadsheet("=cmd|' /C calc'!A0") == "'=cmd|' /C calc'!A0"
    assert spreadsheet("curve_3pool") == "curve_3pool"
