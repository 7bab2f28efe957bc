"""wp-config.php, read without running PHP. Lazy: PHP's parser is imported when a file is read."""

from __future__ import annotations

from .find import find_site, site_around
from .site import Multisite, WordPressSite, read_site

__all__ = ["Multisite", "WordPressSite", "find_site", "read_site", "site_around"]
