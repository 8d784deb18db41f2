"""Forms of our own pages: what is read of a body, and what is none of ours."""

import pytest

from storefront_mcp.web.forms import FormRejected, parse_fields


def test_fields_are_read_in_their_order_with_their_spaces_and_without_what_is_no_utf_8() -> None:
    fields = parse_fields(b"a=1&b=&a=+2%20&c=%ff", max_fields=4)
    assert fields.fields == [("a", "1"), ("b", ""), ("a", " 2 "), ("c", "\ufffd")]
    assert (fields.one("a"), fields.all("a"), fields.one("d", "none")) == ("2", ("1", " 2 "), "none")


@pytest.mark.parametrize("body", [b"a=%00", b"a=b%00c", b"%00=a", b"a=1&b=\x00", b"a=\xff", b"a=1&b=2&c=3"])
def test_no_form_has_a_nul_a_byte_beyond_ascii_or_too_many_fields(body: bytes) -> None:
    with pytest.raises(FormRejected) as rejected:
        parse_fields(body, max_fields=2)
    assert rejected.value.status == 400
