"""The pages about the map itself, the runs that keep it true, and its history. See pages.py for what registers them."""
