"""Macros: the RFC's examples, and what is a syntax error."""

import pytest

from posthaus.check.spfmacro import MacroFault, expand, parse_domain_spec, parse_macros

VALUES = {
    "s": "strong-bad@email.example.com",
    "l": "strong-bad",
    "o": "email.example.com",
    "d": "email.example.com",
    "i": "192.0.2.3",
    "v": "in-addr",
    "h": "mx.example.com",
    "p": "unknown",
    "c": "192.0.2.3",
    "r": "mx.test",
    "t": "1000",
}

# RFC 7208 §7.4
EXAMPLES = [
    ("%{s}", "strong-bad@email.example.com"),
    ("%{o}", "email.example.com"),
    ("%{d4}", "email.example.com"),
    ("%{d3}", "email.example.com"),
    ("%{d2}", "example.com"),
    ("%{d1}", "com"),
    ("%{dr}", "com.example.email"),
    ("%{d2r}", "example.email"),
    ("%{l-}", "strong.bad"),
    ("%{lr}", "strong-bad"),
    ("%{lr-}", "bad.strong"),
    ("%{l1r-}", "strong"),
    ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
    ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
    ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
    ("%{S}", "strong-bad%40email.example.com"),
    ("a%%b%_c%-d", "a%b c%20d"),
]


@pytest.mark.parametrize(("text", "wanted"), EXAMPLES)
def test_examples(text: str, wanted: str) -> None:
    assert expand(parse_macros(text), VALUES) == wanted


@pytest.mark.parametrize("text", ["%{x}", "%{d0}", "%{d", "%", "%x", "a b", "%{c}", "%{d!}", "\u00e4", "%{}"])
def test_not_macros(text: str) -> None:
    with pytest.raises(MacroFault):
        parse_macros(text)


def test_explanations_have_spaces_and_three_letters_more() -> None:
    assert expand(parse_macros("%{c} at %{r} %{t}", is_text=True), VALUES) == "192.0.2.3 at mx.test 1000"
    with pytest.raises(MacroFault):
        parse_domain_spec("%{c}")


@pytest.mark.parametrize("text", ["a.test", "a.test.", "%{d}", "x.%{d}", "%{i}.b-c", "a_b.t-1", "a/b.test", "a.%%"])
def test_domains(text: str) -> None:
    assert parse_domain_spec(text)


@pytest.mark.parametrize("text", ["", "test", ".", "a..", "a.1", "a.-b", "a.b-", "a.t/x", "%{d}x"])
def test_not_domains(text: str) -> None:
    with pytest.raises(MacroFault):
        parse_domain_spec(text)


def test_a_number_of_parts_without_end() -> None:
    assert expand(parse_macros("%{d" + "9" * 5_000 + "}"), VALUES) == "email.example.com"
