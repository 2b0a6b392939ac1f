"""Page templates: what varies in a path is :id, what names a page stays."""

import pytest

from pipeline.stages.visits.pages import MAX_LENGTH, template


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/", "/"),
        ("", "/"),
        ("/cart/", "/cart"),
        ("/product/1234", "/product/:id"),
        ("/product/1234?ref=mail#top", "/product/:id"),
        ("/orders/3f2b8c1e-9f7a-4c55-8d0f-1a2b3c4d5e6f/pay", "/orders/:id/pay"),
        ("/blog/how-to-brew", "/blog/how-to-brew"),
        ("/v2/docs", "/v2/docs"),
        ("/p/shoe-48213-red", "/p/:id"),
        ("/café", "/café"),
        ("/decade", "/decade"),
    ],
)
def test_a_path_becomes_its_template(path: str, page: str) -> None:
    assert template(path) == page


def test_a_template_is_cut() -> None:
    assert len(template("/" + "x" * 5_000)) == MAX_LENGTH
