"""The sites of a network: their prefixes, and how one is found by its address."""

from __future__ import annotations

from typing import Any

import pytest

from wch_peewee import ConfigurationError
from wch_peewee.wordpress.multisite import BlogSite, blog_prefix, site_at

SITES = (
    BlogSite(1, "wp_", "example.com", "/"),
    BlogSite(2, "wp_2_", "example.com", "/shop/"),
    BlogSite(3, "wp_3_", "shop.example.com", "/"),
    BlogSite(4, "wp_4_", "example.com:8080", "/"),
)


@pytest.mark.parametrize(
    ("base", "blog_id", "prefix"),
    [("wp_", 0, "wp_"), ("wp_", 1, "wp_"), ("wp_", 2, "wp_2_"), ("wp_", 120, "wp_120_"), ("", 2, "2_")],
)
def test_a_sites_prefix_is_computed(base: str, blog_id: int, prefix: str) -> None:
    assert blog_prefix(base, blog_id) == prefix


@pytest.mark.parametrize("blog_id", [-1, "2", 2.0, True, None])
def test_what_is_no_id_is_refused(blog_id: Any) -> None:
    with pytest.raises(ConfigurationError, match="whole number"):
        blog_prefix("wp_", blog_id)


@pytest.mark.parametrize(
    ("url", "blog_id"),
    [
        ("https://example.com", 1),
        ("http://example.com/", 1),
        ("example.com", 1),
        ("EXAMPLE.com/shop", 2),
        ("https://example.com/shop/?p=1", 2),
        ("shop.example.com", 3),
        ("http://user:secret@example.com:8080", 4),
    ],
)
def test_a_site_is_found_by_its_address(url: str, blog_id: int) -> None:
    assert site_at(SITES, url).blog_id == blog_id


@pytest.mark.parametrize("url", ["", "example.org", "example.com/sho", "example.com/shop/more", "wp_2_"])
def test_an_address_that_is_none_is_an_error(url: str) -> None:
    with pytest.raises(ConfigurationError, match="has no site at"):
        site_at(SITES, url)
