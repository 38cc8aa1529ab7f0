"""The world outside: who we work for, and how their platforms are reached."""

VERSION = "0.1.0"
