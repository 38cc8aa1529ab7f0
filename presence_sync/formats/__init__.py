"""One way to write a date where the language is English: neither American nor British readers misread it."""
