"""The user's cache folder: what vmgen made before, found again by what it was made from."""

from vmgen.cache.digests import Digests
from vmgen.cache.hashes import hashed, text_digest
from vmgen.cache.remembered import Each, Remembered
from vmgen.cache.store import Cache, home

__all__ = ["Cache", "Digests", "Each", "Remembered", "hashed", "home", "text_digest"]
