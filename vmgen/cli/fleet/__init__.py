"""``vmgen fleet``: one question to many streams."""
