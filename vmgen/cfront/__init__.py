"""The C front end: text of a preprocessed unit in, declarations on demand out."""
