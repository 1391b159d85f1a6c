"""``vmgen stream``: whole migration streams."""
